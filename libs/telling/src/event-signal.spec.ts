import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { expect, test } from "vitest";
import { eventSignal } from "./event-signal.js";

const told = {
  ...{ device: "d-1", identity: "properties/7/0", name: "DesiredChanged", issuer: "devices" },
  ...{ data: { version: 2, patch: { rate: null } }, occurredAt: 5, now: 9 },
};
const signalOf = (more: object = {}) => fromBinary(signals.SignalSchema, eventSignal({ ...told, ...more }));

test("an event says who issued it, of which device, when, and what", () => {
  const { body, ...signal } = signalOf();
  expect(signal).toMatchObject({ device: "d-1", identity: "properties/7/0", occurredAt: 5n, receivedAt: 9n });
  expect(body).toMatchObject({ case: "event", value: { name: "DesiredChanged", issuer: "devices" } });
  const { data } = body.value as signals.Event;
  expect(JSON.parse(Buffer.from(data ?? []).toString())).toEqual(told.data);
});

test("its digest is that of what it says, whenever and by whom it is told", () => {
  const { digest } = signalOf();
  expect(digest).toHaveLength(8);
  expect(signalOf({ now: 10 }).digest).toEqual(digest);
  expect(signalOf({ data: { version: 3 } }).digest).not.toEqual(digest);
});
