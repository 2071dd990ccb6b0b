import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { type Refusal, StatusType } from "./refusal.js";

/** What goes back to a CSN client: a protobuf whose field 1 is the status, whatever happened (A2). */
export interface Answer {
  readonly http: number;
  readonly body: Uint8Array;
  readonly retryAfterS?: number | undefined;
  /** Place in the log of what the request wrote. */
  readonly position?: number | undefined;
}

const success = { type: StatusType.SUCCESS };

/** Bodies that are the same every time. */
export const eventTaken = toBinary(
  saf.EventResponseSchema,
  create(saf.EventResponseSchema, { status: success }),
);
/** There are no data requests yet, so the newest is 0; a client echoes it in its next heartbeat. */
export const heartbeatTaken = toBinary(
  saf.HeartbeatResponseSchema,
  create(saf.HeartbeatResponseSchema, { status: success, latestRequestId: 0n }),
);

/** The text of the reference for an update without effect (A3). */
const NO_CHANGES = "No changes to client requested or all properties are already at their desired values.";

export function created(id: string, secret: string, sensorIds: readonly string[]): Uint8Array {
  return toBinary(
    saf.ClientCreateResponseSchema,
    create(saf.ClientCreateResponseSchema, {
      status: success,
      clientId: BigInt(id),
      clientSecret: secret,
      sensorIds: sensorIds.map(BigInt),
      latestRequestId: 0n,
    }),
  );
}

export function updated(changed: boolean, sensorIds: readonly string[]): Uint8Array {
  return toBinary(
    saf.ClientUpdateResponseSchema,
    create(saf.ClientUpdateResponseSchema, {
      status: changed ? success : { ...success, message: NO_CHANGES },
      sensorIds: sensorIds.map(BigInt),
    }),
  );
}

export function described(
  data: Omit<MessageInitShape<typeof saf.ClientMetadataResponseSchema>, "status" | "$typeName">,
): Uint8Array {
  return toBinary(
    saf.ClientMetadataResponseSchema,
    create(saf.ClientMetadataResponseSchema, { ...data, status: success }),
  );
}

/** Every response type has its status in field 1, so that one body does for all. */
export function refused(refusal: Refusal): Answer {
  const status = { type: refusal.type, message: refusal.message };
  const body = toBinary(saf.GenericResponseSchema, create(saf.GenericResponseSchema, { status }));
  return { http: refusal.http, body, retryAfterS: refusal.retryAfterS };
}
