import { hash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { csnDate } from "./csn-date.js";
import type { Stretch } from "./wanted-data.js";

/** What a device received when it registered; the secret is told only once. */
export interface Identity {
  /** Decimal, unsigned 64 bits. */
  readonly clientId: string;
  readonly secret: string;
  /** The accelerometer's id in its device. */
  readonly sensorId: string;
}

/** What makes a message its device's own. */
export interface Stamp {
  /** When it is sent: ms since 1970 UTC. */
  readonly sentAt: number;
  /** Rises with each message of a device. */
  readonly messageId: number;
}

/** How many picks a sensor had in a time window that ends now. */
export interface PickRate {
  readonly count: number;
  readonly windowS: number;
}

/** The signature of a message: SHA-256 of `date/message id/secret` in lowercase hex. */
export function signature(date: string, messageId: number, secret: string): string {
  return hash("sha256", `${date}/${messageId}/${secret}`);
}

function signed(identity: Identity, stamp: Stamp): saf.ClientSignature {
  const date = csnDate(stamp.sentAt);
  return create(saf.ClientSignatureSchema, {
    date,
    messageId: stamp.messageId,
    signature: signature(date, stamp.messageId, identity.secret),
  });
}

/** The message with which a station registers itself and its accelerometer. */
export function createMessage(station: { name: string; latitude: number; longitude: number }): Uint8Array {
  return toBinary(
    saf.ClientCreateMessageSchema,
    create(saf.ClientCreateMessageSchema, {
      clientData: {
        name: station.name,
        latitude: station.latitude,
        longitude: station.longitude,
        locationSourceType: saf.LocationSourceType.USER_INPUT,
        mobilityType: saf.ClientMetadata_MobilityType.STANDALONE,
        softwareVersion: "fieldlog-simulator",
      },
      attachedSensors: [
        {
          sensorType: saf.SensorType.ACCELEROMETER_3_AXIS,
          model: "simulated accelerometer",
          calibrated: true,
          units: "g",
          numSamples: 50,
          sampleWindowSize: 1,
        },
      ],
    }),
  );
}

/** What the answer to a registration gives the device, or undefined if it lacks a part of it. */
export function registered(body: Uint8Array): Identity | undefined {
  const answer = fromBinary(saf.ClientCreateResponseSchema, body);
  const sensorId = answer.sensorIds[0];
  if (answer.clientId === 0n || answer.clientSecret === "" || sensorId === undefined) return undefined;
  return {
    clientId: answer.clientId.toString(),
    secret: answer.clientSecret,
    sensorId: sensorId.toString(),
  };
}

/** A pick, signed. `event.date` is given only where it differs from the signature's. */
export function pickMessage(
  identity: Identity,
  stamp: Stamp,
  pick: {
    time: number;
    reading: readonly number[];
    rate: PickRate;
    latitude: number;
    longitude: number;
  },
): Uint8Array {
  const message = create(saf.EventMessageSchema, {
    clientSignature: signed(identity, stamp),
    latitude: pick.latitude,
    longitude: pick.longitude,
    locationType: saf.LocationSourceType.USER_INPUT,
    event: {
      sensorId: BigInt(identity.sensorId),
      sensorType: saf.SensorType.ACCELEROMETER_3_AXIS,
      readings: [...pick.reading],
      eventCount: pick.rate.count,
      timeWindow: pick.rate.windowS,
      ...(pick.time === stamp.sentAt ? {} : { date: csnDate(pick.time) }),
    },
  });
  return toBinary(saf.EventMessageSchema, message);
}

export type HeartbeatStatus = "restart" | "update" | "quit";

/** What a heartbeat says of data: the newest request that the station knows of, and what it has recorded since the last. */
export interface HeartbeatData {
  readonly latestRequest: bigint;
  readonly current: Stretch | undefined;
}

/** A heartbeat, signed, with the rate of the accelerometer; the last one before the end carries no rate. */
export function heartbeatMessage(
  identity: Identity,
  stamp: Stamp,
  status: HeartbeatStatus,
  rate: PickRate,
  { latestRequest, current }: HeartbeatData,
): Uint8Array {
  const sensorId = BigInt(identity.sensorId);
  const change = saf.HeartbeatMessage_StatusChange;
  const message = create(saf.HeartbeatMessageSchema, {
    clientSignature: signed(identity, stamp),
    statusChange: { restart: change.RESTART, update: change.UPDATE, quit: change.QUIT }[status],
    latestRequestId: latestRequest,
    connectedSensors: [sensorId],
    currentDataOffers: current ? [description(identity, current)] : [],
    eventRates: status === "quit" ? [] : [{ sensorId, eventCount: rate.count, timeWindow: rate.windowS }],
  });
  return toBinary(saf.HeartbeatMessageSchema, message);
}

/** Offers of recorded data, signed. */
export function offerMessage(identity: Identity, stamp: Stamp, stretches: readonly Stretch[]): Uint8Array {
  const message = create(saf.SensorReadingOfferMessageSchema, {
    clientSignature: signed(identity, stamp),
    sensorReadings: stretches.map((stretch) => description(identity, stretch)),
  });
  return toBinary(saf.SensorReadingOfferMessageSchema, message);
}

function description({ sensorId }: Identity, { start, end, request }: Stretch) {
  return {
    sensorId: BigInt(sensorId),
    ...(request === undefined ? { currentData: true } : { requestId: request }),
    startDate: csnDate(start),
    endDate: csnDate(end),
    dataFormat: saf.SensorReadingDescription_DataFormat.DATA_RECORD,
  };
}

/** The status that every answer carries in field 1; undefined if the body is not such an answer. */
export function statusOf(
  body: Uint8Array,
): { type: saf.StatusMessage_StatusType; message: string } | undefined {
  try {
    const { status } = fromBinary(saf.GenericResponseSchema, body);
    return status && { type: status.type, message: status.message };
  } catch {
    return undefined;
  }
}
