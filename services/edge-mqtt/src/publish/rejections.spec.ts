import { fromBinary } from "@bufbuild/protobuf";
import { limits, signals } from "@fieldlog/contracts";
import { beforeEach, describe, expect, it } from "vitest";
import { Rejections } from "./rejections.js";

const NOW = Date.UTC(2026, 5, 1);
let written: { device: string; reason: string; count: number }[];
let rejections: Rejections;

beforeEach(() => {
  written = [];
  const append = async (_namespace: string, bytes: Uint8Array) => {
    const { device, body } = fromBinary(signals.SignalSchema, new Uint8Array(bytes));
    if (body.case !== "rejection") throw new Error(`wrote ${body.case}`);
    return written.push({ device, reason: body.value.reason, count: body.value.count });
  };
  rejections = new Rejections({
    log: { signals: { append, pending: 0 } },
    logger: { warn: () => undefined },
    now: () => NOW,
  });
});

const note = (reason: string, at: number, device = "d") =>
  rejections.note({ namespace: "ns", device, topic: "t", reason }, NOW + at);
const total = () => written.reduce((sum, { count }) => sum + count, 0);

describe("Rejections", () => {
  it("writes each of the first in a minute, and the rest as counts by reason when it is over", () => {
    const more = 7;
    for (let i = 0; i < limits.rejectionsPerMinute + more; i++) note(i % 2 === 0 ? "one" : "two", i);
    expect(written).toHaveLength(limits.rejectionsPerMinute);
    note("one", 60_000);
    expect(written).toHaveLength(limits.rejectionsPerMinute + 3);
    expect(total()).toBe(limits.rejectionsPerMinute + more + 1);
  });

  it("loses none of them when it is stopped, however many reasons there are", () => {
    for (let i = 0; i < 1000; i++) note(`reason ${i}`, 0);
    rejections.stop();
    expect(total()).toBe(1000);
    expect(written.length).toBeLessThan(limits.rejectionsPerMinute + 20);
  });

  it("counts devices apart", () => {
    for (const device of ["a", "b"])
      for (let i = 0; i < limits.rejectionsPerMinute; i++) note("x", 0, device);
    expect(written).toHaveLength(2 * limits.rejectionsPerMinute);
  });
});
