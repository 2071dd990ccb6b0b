import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { describe, expect, it, vi } from "vitest";
import { DeviceEvents } from "./device-events.js";

/** A log that is away for the next so many. */
function telling(away = 0) {
  const written: signals.Signal[] = [];
  const refused: string[] = [];
  const warned: string[] = [];
  const world = { away, waited: 0 };
  const append = async (_namespace: string, bytes: Uint8Array) => {
    if (world.away-- > 0) throw new LogUnavailable("away", 1);
    return written.push(fromBinary(signals.SignalSchema, bytes));
  };
  const events = new DeviceEvents(
    {
      log: { signals: { append } } as never,
      logger: { warn: (_: object, message: string) => void warned.push(message) } as never,
      now: () => 1_000,
      underWay: new Set(),
      wait: async (ms) => {
        world.waited += ms;
      },
    },
    { namespace: "n", device: "d", connection: "c", refuse: (err) => refused.push(err) },
  );
  const names = () => written.map(({ body }) => (body.case === "event" ? body.value.name : ""));
  return { events, written, refused, warned, world, names };
}

describe("what is told of a device", () => {
  it("is the platform's to say, in order, each time another event", async () => {
    const { events, written, names } = telling();
    events.tell("SnapshotStarted", { resolution: "low" });
    events.tell("SnapshotStopped", {});
    await vi.waitFor(() => expect(names()).toEqual(["SnapshotStarted", "SnapshotStopped"]));
    expect(written.map(({ identity }) => identity)).toEqual(["remote/c/0", "remote/c/1"]);
    expect(written[0]?.body).toMatchObject({ case: "event", value: { issuer: "sampling" } });
  });

  it("is the device's own where it says it itself", async () => {
    const { events, written } = telling();
    await events.append({ name: "InferenceRecord", identity: "i", occurredAt: 5, data: Buffer.from("{}") });
    expect(written).toMatchObject([{ device: "d", identity: "i", occurredAt: 5n, receivedAt: 1_000n }]);
    expect(written[0]?.body).toMatchObject({ value: { issuer: "", name: "InferenceRecord" } });
  });

  it("waits for the log, and what comes behind it waits as well", async () => {
    const { events, names, warned, world } = telling(3);
    events.tell("first", {});
    events.tell("second", {});
    await vi.waitFor(() => expect(names()).toEqual(["first", "second"]));
    expect([warned, world.waited]).toEqual([[], 15_000]);
  });

  it("is given up after a minute, with a warning", async () => {
    const { events, names, warned, world } = telling(Number.POSITIVE_INFINITY);
    events.tell("first", {});
    await vi.waitFor(() => expect(warned).toEqual(["an event could not be written"]));
    expect(world.waited).toBe(55_000);
    world.away = 0;
    events.tell("second", {});
    await vi.waitFor(() => expect(names()).toEqual(["second"]));
  });

  it("is refused where it is too much at once", async () => {
    const { events, refused, written } = telling();
    for (let i = 0; i < 101; i++) events.tell("SnapshotStarted", {});
    await vi.waitFor(() => expect(written).toHaveLength(100));
    expect(refused).toEqual(["too many notices at once: SnapshotStarted was not kept"]);
  });
});
