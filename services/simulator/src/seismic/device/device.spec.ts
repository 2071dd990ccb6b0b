import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { csnDate } from "./csn-date.js";
import type { Identity } from "./csn-messages.js";
import { Device } from "./device.js";
import type { Registrations } from "./registrations.js";
import { Sender } from "./sender.js";

const { SUCCESS, UNKNOWN_CLIENT } = saf.StatusMessage_StatusType;
const station = { name: "S0001", latitude: 34, longitude: -118 };
const UPLOADS = "http://edge/uploads/";
const pick = { station, time: 1_000, reading: [0, 0, 0.01] as const };

/** A device at a server that knows the ids in `known`, and gives out 100, 101 and so on. */
function deviceAt(
  known: Set<string>,
  answers: (path: string, body: Uint8Array) => Uint8Array | undefined = () => undefined,
) {
  const uploaded: { url: string; bytes: Uint8Array }[] = [];
  const identities = new Map<string, Identity>();
  const ids = new Map<string, number>();
  // In memory; the real one is tested with its file.
  const registrations = {
    get: (name: string) => identities.get(name),
    set: (name: string, identity: Identity) => identities.set(name, identity),
    remove: (name: string) => identities.delete(name),
    save: async () => undefined,
    nextMessageId: async (name: string) => {
      const id = ids.get(name) ?? 0;
      ids.set(name, id + 1);
      return id;
    },
  } as unknown as Registrations;
  const received: { path: string; messageId: number }[] = [];
  let given = 100;
  const fetch = async (url: string, init: RequestInit) => {
    const path = url.slice("http://edge/api/v1/default/".length);
    const body = init.body as Uint8Array;
    if (path === "client/create") {
      const id = String(given++);
      known.add(id);
      return reply(SUCCESS, { clientId: BigInt(id), clientSecret: "s", sensorIds: [0n] });
    }
    if (url.startsWith(UPLOADS)) {
      const file = (init.body as FormData).get("payload") as File;
      uploaded.push({ url, bytes: new Uint8Array(await file.arrayBuffer()) });
      return reply(SUCCESS);
    }
    const { clientSignature } = fromBinary(saf.ClientEditorTokenRequestSchema, body);
    received.push({ path, messageId: clientSignature?.messageId ?? -1 });
    const answer = answers(path.split("/")[0] ?? "", body);
    if (answer) return new Response(Buffer.from(answer));
    return reply(known.has(path.split("/")[1] ?? "") ? SUCCESS : UNKNOWN_CLIENT);
  };
  const outcomes: string[] = [];
  const sender = new Sender({ url: "http://edge", namespace: "default", concurrency: 4, fetch });
  const report = (what: string, outcome: { kind: string }) => outcomes.push(`${what} ${outcome.kind}`);
  return { device: new Device({ station, sender, registrations, report }), received, outcomes, uploaded };
}

function reply(type: saf.StatusMessage_StatusType, fields = {}): Response {
  const message = create(saf.ClientCreateResponseSchema, { status: { type }, ...fields });
  return new Response(Buffer.from(toBinary(saf.ClientCreateResponseSchema, message)), {
    status: type === SUCCESS ? 200 : 400,
  });
}

it("registers once, and sends its messages in the order of their ids", async () => {
  const { device, received, outcomes } = deviceAt(new Set());
  expect((await device.register()).kind).toBe("accepted");
  expect((await device.register()).kind).toBe("known");
  await Promise.all([
    device.heartbeat("restart"),
    device.pick(pick),
    device.pick(pick),
    device.heartbeat("update"),
  ]);
  expect(received.map((message) => message.messageId)).toEqual([0, 1, 2, 3]);
  expect(received.map((message) => message.path)).toEqual([
    "heartbeat/100",
    "event/100",
    "event/100",
    "heartbeat/100",
  ]);
  expect(outcomes).toEqual(["heartbeat accepted", "pick accepted", "pick accepted", "heartbeat accepted"]);
});

it("registers anew at a server that no longer knows it, and sends the message again", async () => {
  const known = new Set<string>();
  const { device, received, outcomes } = deviceAt(known);
  await device.register();
  known.clear();
  await device.pick(pick);
  expect(received.map((message) => message.path)).toEqual(["event/100", "event/101"]);
  expect(outcomes).toEqual(["pick accepted"]);
});

const status = { type: SUCCESS };

it("offers and uploads what the server has asked for, where it wants it", async () => {
  const [start, end] = [Date.now() - 40_000, Date.now() - 10_000];
  const known = new Set<string>();
  const { device, uploaded, outcomes } = deviceAt(known, (path, body) => {
    if (path === "heartbeat") {
      const { latestRequestId } = fromBinary(saf.HeartbeatMessageSchema, body);
      const request = { requestId: 5n, startDate: csnDate(start), endDate: csnDate(end) };
      return toBinary(
        saf.HeartbeatResponseSchema,
        create(saf.HeartbeatResponseSchema, {
          ...{ status, latestRequestId: 5n, dataRequests: latestRequestId < 5n ? [request] : [] },
        }),
      );
    }
    const { sensorReadings } = fromBinary(saf.SensorReadingOfferMessageSchema, body);
    const dataUploadUrls = sensorReadings.map((_, index) => `${UPLOADS}${index}`);
    return toBinary(
      saf.SensorReadingOfferResponseSchema,
      create(saf.SensorReadingOfferResponseSchema, { status, dataUploadUrls }),
    );
  });
  await device.register();
  await device.heartbeat("restart");
  await device.heartbeat("update");
  expect(outcomes).toEqual(["heartbeat accepted", "offer accepted", "upload accepted", "heartbeat accepted"]);
  expect(uploaded.map(({ url }) => url)).toEqual([`${UPLOADS}0`]);
  const { streams } = fromBinary(saf.DataRecordSchema, uploaded[0]?.bytes ?? new Uint8Array());
  expect(streams[0]?.values).toHaveLength(1_500);
});

it("offers current data with its heartbeats as long as they are wanted", async () => {
  const offered: number[] = [];
  const { device, uploaded } = deviceAt(new Set(), (path, body) => {
    if (path !== "heartbeat") return undefined;
    const { currentDataOffers, latestRequestId } = fromBinary(saf.HeartbeatMessageSchema, body);
    offered.push(currentDataOffers.length);
    const wanted = offered.length < 3;
    return toBinary(
      saf.HeartbeatResponseSchema,
      create(saf.HeartbeatResponseSchema, {
        ...{ status, latestRequestId: 2n },
        dataRequests: latestRequestId < 2n ? [{ requestId: 2n, provideCurrentData: true }] : [],
        currentDataUploadUrls: currentDataOffers.map(() => (wanted ? `${UPLOADS}now` : "")),
      }),
    );
  });
  await device.register();
  for (let beat = 0; beat < 5; beat++) {
    await device.heartbeat("update");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect(offered).toEqual([0, 1, 1, 0, 0]);
  expect(uploaded).toHaveLength(1);
});
