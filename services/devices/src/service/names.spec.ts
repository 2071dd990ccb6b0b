import { create } from "@bufbuild/protobuf";
import { Aggregates } from "@fieldlog/aggregates";
import { type AggregateId, aggregateOf, registry } from "@fieldlog/contracts";
import { fold, InvalidField, type Snapshot } from "@fieldlog/decider";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Device, device } from "../decisions/device.js";
import { NameTaken, UnknownDevice } from "../decisions/refusals.js";
import { DeviceNames } from "./device-names.js";
import { Devices } from "./devices.js";
import { MemoryRegistry } from "./registry.fixture.js";
import type { Naming } from "./unique-names.js";

const namespace = "default";
/** Beyond what somebody may take to give a name that he reserved. */
const LATER = 31_000;

class Crash extends Error {}

/** The names of the devices that live, as they stand in the log. */
function names({ decisions }: MemoryRegistry): string[] {
  const states = new Map<string, Snapshot<Device>>();
  for (const { subject, sequence, decision } of decisions) {
    const { kind, id } = aggregateOf(subject);
    if (kind !== device.kind) continue;
    states.set(
      id,
      fold(device, states.get(id) ?? { state: device.initial, sequence: 0 }, sequence, decision),
    );
  }
  const living = [...states.values()]
    .map(({ state }) => state)
    .filter((state) => state.phase === "registered");
  return living.map(({ metadata }) => metadata.name ?? "");
}

/** Devices as one process decides on them that dies before its append of that number, counted from 0. */
function processOf(
  registry: MemoryRegistry,
  { diesAt = Number.POSITIVE_INFINITY, now = Date.now, turn = own } = {},
) {
  let appends = 0;
  let dead = false;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) throw new Crash();
    return turn(work);
  };
  const log = {
    registry: {
      read: (id: AggregateId, after: number) => alive(() => registry.read(id, after)),
      append: (...asked: Parameters<MemoryRegistry["append"]>) => {
        dead ||= appends++ >= diesAt;
        return alive(() => registry.append(...asked));
      },
    },
  };
  const aggregates = new Aggregates({ log, snapshots: { load: async () => undefined }, now });
  return new Devices({ aggregates, naming: wanted, names: new DeviceNames(aggregates, now) });
}

/** Every name is one device's; nobody got one while they could be shared. */
const wanted: Naming = { isUnique: async () => true, holders: async () => [] };

async function own<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

describe("a name", () => {
  test("is one device's in a namespace, and again free when it is renamed or removed", async () => {
    const devices = processOf(new MemoryRegistry());
    const first = await devices.create(namespace, "tenta", "cellar", "system");
    await expect(devices.create(namespace, "native", "cellar", "system")).rejects.toEqual(
      new NameTaken("cellar"),
    );
    await devices.create("test", "tenta", "cellar", "system");
    const second = await devices.create(namespace, "tenta", "roof", "system");
    await expect(devices.rename(namespace, second.id, "cellar", "system")).rejects.toEqual(
      new NameTaken("cellar"),
    );
    await devices.rename(namespace, first.id, "vault", "system");
    await devices.rename(namespace, second.id, "cellar", "system");
    await devices.remove(namespace, second.id, "system");
    await devices.create(namespace, "tenta", "cellar", "system");
    await devices.create(namespace, "tenta", "roof", "system");
  });

  test("that a device has had it may have again", async () => {
    const devices = processOf(new MemoryRegistry());
    const { id } = await devices.create(namespace, "tenta", "a", "system");
    for (const name of ["b", "a", "b", "a"]) {
      expect((await devices.rename(namespace, id, name, "system")).state.metadata.name).toBe(name);
    }
  });

  test("to which its device is renamed costs nothing", async () => {
    const registry = new MemoryRegistry();
    const devices = processOf(registry);
    const { id } = await devices.create(namespace, "tenta", "a", "system");
    await devices.rename(namespace, id, "a", "system");
    expect(registry.decisions).toHaveLength(2);
  });

  test("is not for a device that is not there, or was removed", async () => {
    const devices = processOf(new MemoryRegistry());
    await expect(devices.rename(namespace, "nobody", "a", "system")).rejects.toThrow(UnknownDevice);
    const { id } = await devices.create(namespace, "tenta", "a", "system");
    await devices.remove(namespace, id, "system");
    await devices.remove(namespace, id, "system");
    await expect(devices.rename(namespace, id, "b", "system")).rejects.toThrow(UnknownDevice);
    await expect(devices.get(namespace, id)).rejects.toThrow(UnknownDevice);
    await expect(devices.update(namespace, id, { ...nothing }, "system")).rejects.toThrow(UnknownDevice);
  });

  test("is reserved, and the one before it released, by an update as well", async () => {
    const registry = new MemoryRegistry();
    const devices = processOf(registry);
    const tenta = await devices.create(namespace, "tenta", "a", "system");
    const csn = await devices.register(namespace, { dialect: "csn", metadata: named("b"), sensors: [] });
    for (const [id, name] of [
      [tenta.id, "b"],
      [csn.id, "a"],
    ] as const) {
      const taken = devices.update(namespace, id, { ...nothing, metadata: named(name) }, "system");
      await expect(taken).rejects.toEqual(new NameTaken(name));
    }
    await devices.update(namespace, tenta.id, { ...nothing, metadata: named("c") }, "system");
    await devices.update(namespace, csn.id, { ...nothing, metadata: named("a") }, "system");
    await devices.create(namespace, "native", "b", "system");
    expect(names(registry).sort()).toEqual(["a", "b", "c"]);
    const wrong = devices.update(namespace, tenta.id, { ...nothing, metadata: named("No name") }, "system");
    await expect(wrong).rejects.toMatchObject({ field: "metadata.name" });
  });

  test("may be any text of a CSN device, of at most 256 characters where it is its own", async () => {
    const registry = new MemoryRegistry();
    const devices = processOf(registry);
    const register = (name: string) =>
      devices.register(namespace, { dialect: "csn", metadata: named(name), sensors: [] });
    await register("Keller, links \u{1f30d}");
    await expect(register("Keller, links \u{1f30d}")).rejects.toThrow(NameTaken);
    await expect(register("x".repeat(257))).rejects.toMatchObject({ field: "metadata.name" });
    await expect(register("")).rejects.toMatchObject({ field: "metadata.name" });
  });
});

describe("where CSN's names may be shared", () => {
  const shared: Naming = { isUnique: async () => false, holders: async () => [] };

  test("nobody reserves one, and any number of devices have it", async () => {
    const registry = new MemoryRegistry();
    const aggregates = new Aggregates({ log: { registry }, snapshots: { load: async () => undefined } });
    const devices = new Devices({ aggregates, naming: shared });
    for (let i = 0; i < 3; i++) {
      await devices.register(namespace, { dialect: "csn", metadata: named("a"), sensors: [] });
    }
    expect(names(registry)).toEqual(["a", "a", "a"]);
    expect(registry.decisions).toHaveLength(3);
  });

  test("and no longer are, those that have one keep it, and others cannot get it", async () => {
    const registry = new MemoryRegistry();
    const aggregates = new Aggregates({ log: { registry }, snapshots: { load: async () => undefined } });
    const before = new Devices({ aggregates, naming: shared });
    const asked = { dialect: "csn", metadata: named("a"), sensors: [] };
    const { id } = await before.register(namespace, asked);
    const naming: Naming = { isUnique: async () => true, holders: async () => [id] };
    const now = new Devices({ aggregates, naming });
    await expect(now.register(namespace, asked)).rejects.toEqual(new NameTaken("a"));
    await now.update(namespace, id, { ...nothing, metadata: named("b") }, "system");
    await now.register(namespace, asked);
    await expect(now.register(namespace, { ...asked, metadata: named("b") })).rejects.toEqual(
      new NameTaken("b"),
    );
  });
});

const named = (name: string) => create(registry.DeviceMetadataSchema, { name });
const nothing = { unsetProperties: [], newSensors: [], changedSensors: [], removedSensors: [] };

describe("who dies in between", () => {
  const soon = () => Date.now() + LATER;

  test("after he reserved a name for a new device leaves it to others, 30 s later", async () => {
    const registry = new MemoryRegistry();
    const dying = processOf(registry, { diesAt: 1 });
    await expect(dying.create(namespace, "tenta", "a", "system")).rejects.toThrow(Crash);
    const next = processOf(registry).create(namespace, "tenta", "a", "system");
    await expect(next).rejects.toEqual(new NameTaken("a"));
    await processOf(registry, { now: soon }).create(namespace, "tenta", "a", "system");
    expect(names(registry)).toEqual(["a"]);
  });

  test("while a device is renamed finishes it when he is asked again, or leaves the names to others", async () => {
    for (const diesAt of [1, 2]) {
      const registry = new MemoryRegistry();
      const { id } = await processOf(registry).create(namespace, "tenta", "a", "system");
      const renaming = (devices: Devices) => devices.rename(namespace, id, "b", "system");
      await expect(renaming(processOf(registry, { diesAt }))).rejects.toThrow(Crash);
      const held = names(registry)[0] ?? "";
      const free = held === "a" ? "b" : "a";
      const later = processOf(registry, { now: soon });
      await expect(later.create(namespace, "tenta", held, "system")).rejects.toEqual(new NameTaken(held));
      await later.create(namespace, "tenta", free, "system");
      expect(names(registry).sort()).toEqual(["a", "b"]);
      if (held === "a") await expect(renaming(later)).rejects.toEqual(new NameTaken("b"));

      const again = new MemoryRegistry();
      const { id: other } = await processOf(again).create(namespace, "tenta", "a", "system");
      const once = processOf(again, { diesAt }).rename(namespace, other, "b", "system");
      await expect(once).rejects.toThrow(Crash);
      await processOf(again).rename(namespace, other, "b", "system");
      await processOf(again).create(namespace, "tenta", "a", "system");
    }
  });

  test("after he removed a device leaves its name to whoever asks, at once", async () => {
    const registry = new MemoryRegistry();
    const { id } = await processOf(registry).create(namespace, "tenta", "a", "system");
    await expect(processOf(registry, { diesAt: 1 }).remove(namespace, id, "system")).rejects.toThrow(Crash);
    await processOf(registry).create(namespace, "tenta", "a", "system");
  });

  test("and comes back too late finds that he is fenced", async () => {
    const registry = new MemoryRegistry();
    let wake: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let turns = 0;
    const turn = async <T>(work: () => Promise<T>) => {
      // Reads the name, reserves it, and then sleeps before he registers the device.
      if (turns++ === 2) await asleep;
      return work();
    };
    const late = processOf(registry, { turn }).create(namespace, "tenta", "a", "system");
    while (turns < 3) await Promise.resolve();
    const { id } = await processOf(registry, { now: soon }).create(namespace, "tenta", "a", "system");
    wake();
    await expect(late).rejects.toEqual(new NameTaken("a"));
    expect((await processOf(registry).get(namespace, id)).state.metadata.name).toBe("a");
    expect(names(registry)).toEqual(["a"]);
  });
});

test("however processes interleave, die, and take names over, no two devices ever have one name", async () => {
  const name = fc.constantFrom("a", "b", "c");
  const act = fc.record({
    what: fc.constantFrom("create", "register", "rename", "rename", "update", "update", "remove"),
    which: fc.nat(3),
    name,
    diesAt: fc.oneof(fc.constant(99), fc.nat(4)),
    // Everything that is reserved may be taken over at once, as if everybody slept for half a minute.
    hasty: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(act, { minLength: 2, maxLength: 8 }), async (s, acts) => {
      const registry = new MemoryRegistry();
      const turn = async <T>(work: () => Promise<T>): Promise<T> => {
        await s.schedule(Promise.resolve());
        const result = await work();
        const held = names(registry);
        if (new Set(held).size !== held.length) throw new Error(`one name on two devices: ${held}`);
        return result;
      };
      const before = processOf(registry);
      const ids: string[] = [];
      for (const name of ["a", "b"]) ids.push((await before.create(namespace, "tenta", name, "system")).id);
      const csn = { dialect: "csn", sensors: [] };
      ids.push((await before.register(namespace, csn)).id);
      ids.push("nobody");
      const ends = acts.map(async ({ what, which, name, diesAt, hasty }) => {
        const now = hasty ? () => Date.now() + LATER : Date.now;
        const devices = processOf(registry, { diesAt, now, turn });
        const id = ids[which] ?? "";
        if (what === "create") await devices.create(namespace, "tenta", name, "system");
        else if (what === "register") await devices.register(namespace, { ...csn, metadata: named(name) });
        else if (what === "rename") await devices.rename(namespace, id, name, "system");
        else if (what === "update") {
          await devices.update(namespace, id, { ...nothing, metadata: named(name) }, "system");
        } else await devices.remove(namespace, id, "system");
      });
      await s.waitFor(Promise.allSettled(ends));
      for (const end of await Promise.allSettled(ends)) {
        if (end.status === "fulfilled") continue;
        const foreseen = [Crash, NameTaken, UnknownDevice, InvalidField].some(
          (kind) => end.reason instanceof kind,
        );
        if (!foreseen && end.reason?.name !== "TooManyConflicts") throw end.reason;
      }
      // Whatever was left lying about: half a minute later each name is had by one device, or free.
      const later = processOf(registry, { now: () => Date.now() + 2 * LATER });
      for (const name of ["a", "b", "c"]) {
        const held = names(registry).includes(name);
        const asked = later.create(namespace, "tenta", name, "system");
        if (held) await expect(asked).rejects.toEqual(new NameTaken(name));
        else await asked;
      }
      expect(names(registry).sort()).toEqual([...new Set(names(registry))].sort());
    }),
    { numRuns: 400 },
  );
});
