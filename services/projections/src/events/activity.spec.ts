import { limits, positionOf, type signals } from "@fieldlog/contracts";
import { heartbeat, pick, RECEIVED } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { beat, summarize } from "./activity.js";
import { type Reported, reported } from "./reported.js";

const records = (...all: signals.Signal[]) =>
  all.map((value, i) => {
    const record = { namespace: "n", key: value.device, position: positionOf(1, i), time: new Date(0) };
    return { ...record, value: reported(value) as Reported };
  });
const beats = (...all: [identity: string, status: string][]) =>
  summarize(
    records(...all.map(([identity, status], i) => heartbeat("d", identity, i, status))),
    () => true,
  )[0]?.heartbeats ?? [];

describe("a pull's activity", () => {
  it("is one summary per device, with its new events and when it was last seen", () => {
    const pull = records(
      pick("a", "1", 5),
      pick("b", "1", 1),
      pick("a", "2", 3),
      heartbeat("b", "h", 9, "update"),
    );
    const isNew = (position: number) => position !== positionOf(1, 2);
    expect(summarize(pull, isNew)).toMatchObject([
      { device: "a", newEvents: 1, lastSeenAt: RECEIVED + 5, heartbeats: [] },
      { device: "b", newEvents: 1, lastSeenAt: RECEIVED + 9, heartbeats: [{ identity: "h" }] },
    ]);
  });

  it("has nothing of what the platform says of a device", () => {
    const body = {
      case: "event",
      value: { name: "SamplingQueued", issuer: "sampling" },
    } as signals.Signal["body"];
    expect(summarize(records(pick("a", "1", 7, { body })), () => true)).toEqual([]);
  });

  it("counts a signal that reports nothing as having been heard", () => {
    const silent = pick("a", "1", 7, { body: { case: undefined } });
    expect(summarize(records(silent), () => true)).toMatchObject([
      { newEvents: 0, lastSeenAt: RECEIVED + 7 },
    ]);
  });
});

describe("heartbeats", () => {
  it("leave the status of the last one", () => {
    const { state, duplicates } = beat(undefined, beats(["1", "restart"], ["2", "update"]));
    expect(state).toEqual({ status: "update", rates: [], recent: ["1", "2"], geocell: null });
    expect(duplicates).toBe(0);
  });

  it("that come again change nothing, in the same pull or later", () => {
    const first = beat(undefined, beats(["1", "restart"], ["2", "update"], ["1", "restart"]));
    expect(first).toMatchObject({ state: { status: "update" }, duplicates: 1 });
    expect(beat(first.state, beats(["1", "restart"]))).toEqual({ state: first.state, duplicates: 1 });
  });

  it("are remembered as many as an edge tells apart, however they are cut into pulls", () => {
    const many = beats(...Array.from({ length: 200 }, (_, i): [string, string] => [String(i), "update"]));
    const whole = beat(undefined, many).state;
    expect(whole.recent).toHaveLength(limits.replayWindowIds);
    let cut: ReturnType<typeof beat>["state"] | undefined;
    for (let i = 0; i < many.length; i += 7) cut = beat(cut, many.slice(i, i + 7)).state;
    expect(cut).toEqual(whole);
  });
});
