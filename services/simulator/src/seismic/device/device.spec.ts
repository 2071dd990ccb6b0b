import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import type { Identity } from "./csn-messages.js";
import { Device } from "./device.js";
import type { Registrations } from "./registrations.js";
import { Sender } from "./sender.js";

const { SUCCESS, UNKNOWN_CLIENT } = saf.StatusMessage_StatusType;
const station = { name: "S0001", latitude: 34, longitude: -118 };
const pick = { station, time: 1_000, reading: [0, 0, 0.01] as const };

/** A device at a server that knows the ids in `known`, and gives out 100, 101 and so on. */
function deviceAt(known: Set<string>) {
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
    const { clientSignature } = fromBinary(saf.EventMessageSchema, body);
    received.push({ path, messageId: clientSignature?.messageId ?? -1 });
    return reply(known.has(path.split("/")[1] ?? "") ? SUCCESS : UNKNOWN_CLIENT);
  };
  const outcomes: string[] = [];
  const sender = new Sender({ url: "http://edge", namespace: "default", concurrency: 4, fetch });
  const report = (what: string, outcome: { kind: string }) => outcomes.push(`${what} ${outcome.kind}`);
  return { device: new Device({ station, sender, registrations, report }), received, outcomes };
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
