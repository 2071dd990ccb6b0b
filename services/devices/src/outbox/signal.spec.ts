import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { limits, signals } from "@fieldlog/contracts";
import { expect, test } from "vitest";
import { configurationSignal } from "./signal.js";

const revision = { device: "d", revision: 7, valueJson: '{"a":1.0}' };

test("a revision is a retained message to its device, which says its number and its value as it was sent", () => {
  const signal = fromBinary(signals.SignalSchema, configurationSignal(revision, 1_000));
  const payload = '{"revision":7,"configuration":{"a":1.0}}';
  expect(signal).toMatchObject({
    device: "d",
    identity: "configuration/7",
    receivedAt: 1_000n,
    occurredAt: 1_000n,
    publication: {
      topic: "configurations/d",
      qos: 1,
      retain: true,
      utf8: true,
      contentType: "application/json",
      clientId: "",
    },
    body: { case: "message" },
  });
  expect(Buffer.from((signal.body.value as signals.Message).payload).toString()).toBe(payload);
  const digest = createHash("sha256").update(payload).digest().subarray(0, 8);
  expect(Buffer.from(signal.digest)).toEqual(digest);
});

test("appended again it is the same message under the same identity", () => {
  const [first, second] = [1, 2].map((now) =>
    fromBinary(signals.SignalSchema, configurationSignal(revision, now)),
  );
  expect(second).toEqual({ ...first, receivedAt: 2n, occurredAt: 2n });
});

test("the largest one fits into a signal", () => {
  const valueJson = JSON.stringify({ a: "x".repeat(limits.configurationBytes - 8) });
  const largest = configurationSignal(
    { device: "d".repeat(limits.idLength), revision: 9_999, valueJson },
    Date.now(),
  );
  expect(largest.length).toBeLessThan(limits.signalBytes);
});
