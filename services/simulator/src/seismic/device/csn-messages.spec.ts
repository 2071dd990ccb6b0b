import { create, fromBinary, isFieldSet, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { csnDate } from "./csn-date.js";
import {
  createMessage,
  heartbeatMessage,
  offerMessage,
  pickMessage,
  registered,
  signature,
  statusOf,
} from "./csn-messages.js";

const secret = "0123456789abcdef".repeat(4);
const identity = { clientId: "6572938060890112", secret, sensorId: "0" };
const sentAt = Date.UTC(2014, 3, 13, 19, 42, 17, 744);

describe("signature", () => {
  it("is what the network's reference client computes", () => {
    expect(signature("2014-04-13T19:42:17.744", 1, secret)).toBe(
      "71b38fd8a2e428c6044e176567c0d285c0018eabacf1f8e56ff18001df0d27d0",
    );
    expect(signature("2014-04-13T19:36:43.305", 0, secret)).toBe(
      "5c83e82b57d2ad39568078f4a05f5692862cb43a4142888771df77f2b9c4b642",
    );
  });

  it("is made of the date as it is sent", () => {
    expect(csnDate(sentAt)).toBe("2014-04-13T19:42:17.744");
  });
});

describe("pickMessage", () => {
  const pick = {
    time: sentAt - 1_000,
    reading: [0, 0, 0.01],
    rate: { count: 3, windowS: 600 },
    latitude: 34,
    longitude: -118,
  };
  const decode = (time: number) =>
    fromBinary(saf.EventMessageSchema, pickMessage(identity, { sentAt, messageId: 1 }, { ...pick, time }));

  it("is signed and carries every field that a pick must have", () => {
    const message = decode(pick.time);
    expect(message.clientSignature).toMatchObject({
      date: "2014-04-13T19:42:17.744",
      messageId: 1,
      signature: signature("2014-04-13T19:42:17.744", 1, secret),
    });
    expect(message).toMatchObject({ latitude: 34, longitude: -118 });
    expect(message.event).toMatchObject({
      sensorId: 0n,
      readings: [0, 0, 0.01],
      eventCount: 3,
      timeWindow: 600,
    });
    expect(message.event?.date).toBe("2014-04-13T19:42:16.744");
    const { event } = message;
    if (!event) throw new Error("no event");
    for (const name of ["sensor_id", "sensor_type", "event_count", "time_window"]) {
      const field = saf.EventMessage_SensorEventSchema.fields.find((candidate) => candidate.name === name);
      expect(field && isFieldSet(event, field)).toBe(true);
    }
  });

  it("leaves out the pick's date where it is the signature's", () => {
    const { event } = decode(sentAt);
    expect(event && isFieldSet(event, saf.EventMessage_SensorEventSchema.field.date)).toBe(false);
  });
});

const stretch = { start: sentAt - 60_000, end: sentAt };

describe("heartbeatMessage", () => {
  const rate = { count: 4, windowS: 600 };
  const none = { latestRequest: 0n, current: undefined };

  it("tells the newest request that the station knows of, and offers what it recorded since the last", () => {
    const data = { latestRequest: 17n, current: stretch };
    const bytes = heartbeatMessage(identity, { sentAt, messageId: 4 }, "update", rate, data);
    const { latestRequestId, currentDataOffers } = fromBinary(saf.HeartbeatMessageSchema, bytes);
    expect(latestRequestId).toBe(17n);
    expect(currentDataOffers).toMatchObject([
      { sensorId: 0n, currentData: true, startDate: csnDate(stretch.start), endDate: csnDate(stretch.end) },
    ]);
  });

  it("counts picks and seconds in their own fields", () => {
    const bytes = heartbeatMessage(identity, { sentAt, messageId: 2 }, "update", rate, none);
    const message = fromBinary(saf.HeartbeatMessageSchema, bytes);
    expect(message.eventRates).toMatchObject([{ sensorId: 0n, eventCount: 4, timeWindow: 600 }]);
    expect(message.statusChange).toBe(saf.HeartbeatMessage_StatusChange.UPDATE);
  });

  it("carries no rate when the station quits", () => {
    const bytes = heartbeatMessage(identity, { sentAt, messageId: 3 }, "quit", rate, none);
    expect(fromBinary(saf.HeartbeatMessageSchema, bytes).eventRates).toEqual([]);
  });
});

describe("offerMessage", () => {
  it("describes each stretch, and the request that it answers, as files of samples", () => {
    const bytes = offerMessage(identity, { sentAt, messageId: 5 }, [{ ...stretch, request: 9n }, stretch]);
    const { sensorReadings, clientSignature } = fromBinary(saf.SensorReadingOfferMessageSchema, bytes);
    expect(clientSignature?.messageId).toBe(5);
    const dataFormat = saf.SensorReadingDescription_DataFormat.DATA_RECORD;
    expect(sensorReadings).toMatchObject([
      { requestId: 9n, dataFormat },
      { currentData: true, dataFormat },
    ]);
  });
});

describe("registration", () => {
  it("attaches one accelerometer with its type", () => {
    const bytes = createMessage({ name: "S0001", latitude: 1, longitude: 2 });
    const { attachedSensors } = fromBinary(saf.ClientCreateMessageSchema, bytes);
    expect(attachedSensors).toHaveLength(1);
    expect(attachedSensors[0]?.sensorType).toBe(saf.SensorType.ACCELEROMETER_3_AXIS);
  });

  it("takes id, secret and sensor id from the answer, and nothing from an answer that lacks one", () => {
    const answer = (sensorIds: bigint[]) =>
      toBinary(
        saf.ClientCreateResponseSchema,
        create(saf.ClientCreateResponseSchema, {
          clientId: 6572938060890112n,
          clientSecret: secret,
          sensorIds,
        }),
      );
    expect(registered(answer([0n]))).toEqual(identity);
    expect(registered(answer([]))).toBeUndefined();
  });
});

describe("statusOf", () => {
  it("reads the status of any answer, and says nothing about other bodies", () => {
    const type = saf.StatusMessage_StatusType.UNKNOWN_CLIENT;
    const body = toBinary(
      saf.HeartbeatResponseSchema,
      create(saf.HeartbeatResponseSchema, { status: { type, message: "who?" }, metadataChanged: true }),
    );
    expect(statusOf(body)).toEqual({ type, message: "who?" });
    expect(statusOf(Buffer.from("<html>"))).toBeUndefined();
    expect(statusOf(new Uint8Array())).toBeUndefined();
  });
});
