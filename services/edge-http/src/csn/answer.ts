import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { type Refusal, StatusType } from "./refusal.js";

/** What goes back to a CSN client: a protobuf whose field 1 is the status, whatever happened (A2). */
export interface Answer {
  readonly http: number;
  /** A byte a character (latin1): Node sends a text body together with its head. */
  readonly body: string;
  readonly retryAfterS?: number | undefined;
  /** Place in the log of what the request wrote. */
  readonly position?: number | undefined;
}

const success = { type: StatusType.SUCCESS };

function encode<D extends DescMessage>(schema: D, init: MessageInitShape<D>): string {
  return Buffer.from(toBinary(schema, create(schema, init))).toString("latin1");
}

/** What was asked was done. */
export function answered<D extends DescMessage>(
  schema: D,
  data: Omit<MessageInitShape<D>, "status" | "$typeName">,
): Answer {
  const whole: object = { ...data, status: success };
  return { http: 200, body: encode(schema, whole as MessageInitShape<D>) };
}

/** Bodies that are the same every time. */
export const eventTaken = encode(saf.EventResponseSchema, { status: success });
const heartbeatTaken = encode(saf.HeartbeatResponseSchema, { status: success, latestRequestId: 0n });

type HeartbeatInit = Omit<MessageInitShape<typeof saf.HeartbeatResponseSchema>, "status" | "$typeName">;

/** A client echoes the newest request's id in its next heartbeat. */
export function heartbeatAnswer(data: HeartbeatInit): string {
  const { latestRequestId = 0n, dataRequests = [], currentDataUploadUrls = [], metadataChanged } = data;
  const isUsual = latestRequestId === 0n && dataRequests.length === 0 && currentDataUploadUrls.length === 0;
  if (isUsual && metadataChanged === undefined) return heartbeatTaken;
  return encode(saf.HeartbeatResponseSchema, { ...data, status: success });
}

export function offersAnswered(urls: readonly string[]): string {
  return encode(saf.SensorReadingOfferResponseSchema, { status: success, dataUploadUrls: [...urls] });
}

/** The text of the reference for an update without effect (A3). */
const NO_CHANGES = "No changes to client requested or all properties are already at their desired values.";

export function created(id: string, secret: string, sensorIds: readonly string[]): string {
  return encode(saf.ClientCreateResponseSchema, {
    status: success,
    clientId: BigInt(id),
    clientSecret: secret,
    sensorIds: sensorIds.map(BigInt),
    latestRequestId: 0n,
  });
}

export function updated(changed: boolean, sensorIds: readonly string[]): string {
  return encode(saf.ClientUpdateResponseSchema, {
    status: changed ? success : { ...success, message: NO_CHANGES },
    sensorIds: sensorIds.map(BigInt),
  });
}

export function described(
  data: Omit<MessageInitShape<typeof saf.ClientMetadataResponseSchema>, "status" | "$typeName">,
): string {
  return encode(saf.ClientMetadataResponseSchema, { ...data, status: success });
}

/** Every response type has its status in field 1, so that one body does for all. */
export function refused(refusal: Refusal): Answer {
  const status = { type: refusal.type, message: refusal.message };
  const body = encode(saf.GenericResponseSchema, { status });
  return { http: refusal.http, body, retryAfterS: refusal.retryAfterS };
}
