import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Heard, Machine, type Transition } from "./machine.js";
import { Rules } from "./rules.js";
import { ACTIVE, INACTIVE, NEVER, type Phase, type Sign } from "./slots.js";
import { STATUSES, type Status } from "./status.js";

const RULE = { heartbeatS: 240, inactiveAfterS: 240 };
const make = () => new Machine(new Rules({ cred: RULE }), 1_000);
const MINUTE = 60_000;

function beat(machine: Machine, at: number, position: number, status: Status = "", device = "d"): void {
  machine.heard("ns", device, { at, position, status }, true);
}

/** What is owed, told to it at once, as the log would. */
function settle(machine: Machine): string[] {
  const told: Transition[] = [...machine.owed()].flat();
  for (const { namespace, device, to, at, sign } of told)
    machine.told(namespace, device, to, sign.position, at);
  expect([...machine.owed()]).toEqual([]);
  return told.map(
    ({ to, at, reason, sign }) => `${to === ACTIVE ? "+" : "-"}${at} ${reason} ${sign.position}`,
  );
}

function stateOf(machine: Machine, now: number, device = "d") {
  const slot = machine.slots.find("ns", device);
  return slot === undefined ? undefined : machine.stateOf(slot, now);
}

describe("a device's liveness", () => {
  it("is active with its first heartbeat, late after ten minutes and a grace, inactive after thirty", () => {
    const machine = make();
    machine.register("ns", "d", { dialect: "csn" });
    expect(stateOf(machine, 0)).toBeUndefined();
    beat(machine, 1_000, 10);
    expect(settle(machine)).toEqual(["+1000 heartbeat 10"]);
    expect(stateOf(machine, 1_000 + 11 * MINUTE)).toBe("active");
    expect(stateOf(machine, 1_001 + 11 * MINUTE)).toBe("late");
    machine.expire(999 + 30 * MINUTE);
    expect(settle(machine)).toEqual([]);
    machine.expire(1_000 + 30 * MINUTE);
    expect(settle(machine)).toEqual(["-1801000 timeout 10"]);
    expect(stateOf(machine, 1_000 + 30 * MINUTE)).toBe("inactive");
    beat(machine, 31 * MINUTE, 20);
    expect(settle(machine)).toEqual([`+${31 * MINUTE} heartbeat 20`]);
  });

  it.each(["sleep", "shutdown", "killed", "quit"] as const)("ends at once with %s, once", (status) => {
    const machine = make();
    machine.register("ns", "d", { dialect: "csn" });
    beat(machine, 0, 1);
    beat(machine, 5, 2, status);
    beat(machine, 6, 3, status);
    expect(settle(machine)).toEqual(["+0 heartbeat 1", "-5 status 2"]);
    beat(machine, 7, 4, "restart");
    expect(settle(machine)).toEqual(["+7 heartbeat 4"]);
  });

  it("is told by heartbeats alone in CSN, and by any signal elsewhere", () => {
    const machine = make();
    for (const [device, dialect] of [
      ["d", "csn"],
      ["e", "cred"],
    ] as const) {
      machine.register("ns", device, { dialect });
      machine.heard("ns", device, { at: 0, position: 1, status: "" }, false);
    }
    expect(stateOf(machine, 1, "d")).toBeUndefined();
    expect(stateOf(machine, 1, "e")).toBe("active");
    machine.expire(240_000);
    expect(stateOf(machine, 240_000, "e")).toBe("inactive");
  });

  it("has effect as soon as the device is registered, also with what came before; not after it was removed", () => {
    const machine = make();
    beat(machine, 3, 1);
    expect(settle(machine)).toEqual([]);
    machine.register("ns", "d", { dialect: "csn" });
    expect(settle(machine)).toEqual(["+3 heartbeat 1"]);
    machine.remove("ns", "d");
    beat(machine, 5, 2);
    machine.expire(Number.MAX_SAFE_INTEGER);
    expect(settle(machine)).toEqual([]);
    expect(stateOf(machine, 5)).toBeUndefined();
  });

  it("follows its namespace's settings from then on; one that is inactive waits for a sign of life", () => {
    const machine = make();
    machine.register("ns", "d", { dialect: "cred" });
    beat(machine, 0, 1);
    machine.set("ns", { heartbeatS: 1, inactiveAfterS: 2 });
    machine.expire(2_000);
    expect(settle(machine)).toEqual(["+0 heartbeat 1", "-2000 timeout 1"]);
    machine.set("ns", { heartbeatS: undefined, inactiveAfterS: 3_600 });
    machine.expire(3_000);
    expect(settle(machine)).toEqual([]);
    beat(machine, 4_000, 2);
    machine.set("ns", { heartbeatS: undefined, inactiveAfterS: undefined });
    machine.expire(244_000);
    expect(settle(machine)).toEqual(["+4000 heartbeat 2", "-244000 timeout 2"]);
  });

  it("is found again behind what was missed: both ends of a silence", () => {
    const machine = make();
    machine.register("ns", "d", { dialect: "csn" });
    beat(machine, 0, 1);
    beat(machine, 45 * MINUTE, 2);
    expect(settle(machine)).toEqual(["+0 heartbeat 1", "-1800000 timeout 1", "+2700000 heartbeat 2"]);
  });

  it("believes another replica that called a device inactive, and owes what it did not know of", () => {
    const machine = make();
    machine.register("ns", "d", { dialect: "csn" });
    beat(machine, 0, 1);
    settle(machine);
    beat(machine, 29 * MINUTE, 2);
    machine.told("ns", "d", INACTIVE, 1, 30 * MINUTE);
    expect(settle(machine)).toEqual([`+${29 * MINUTE} heartbeat 2`]);
  });

  it("takes the same for once that two replicas told", () => {
    const machine = make();
    machine.register("ns", "d", { dialect: "csn" });
    beat(machine, 0, 1);
    settle(machine);
    beat(machine, 1, 2, "quit");
    beat(machine, 2, 3);
    for (const _ of [1, 2]) machine.told("ns", "d", INACTIVE, 2, 1);
    expect([...machine.owed()].flat().map(({ to }) => to)).toEqual([ACTIVE]);
  });

  it("is forgotten with its namespace, and none other", () => {
    const machine = make();
    for (const ns of ["ns", "other"]) {
      machine.register(ns, "d", { dialect: "csn" });
      machine.heard(ns, "d", { at: 0, position: 1, status: "" }, true);
    }
    settle(machine);
    machine.unregisterAll("ns");
    machine.forget("ns");
    machine.expire(30 * MINUTE);
    expect([...machine.owed()].flat().map(({ namespace }) => namespace)).toEqual(["other"]);
    expect(machine.slots.size).toBe(1);
  });

  it("turns away devices beyond what there is room for", () => {
    const machine = new Machine(new Rules(), 2);
    for (const device of ["a", "b", "c"]) machine.register("ns", device, { dialect: "csn" });
    expect(machine.slots.size).toBe(2);
    expect(machine.turnedAway).toBe(1);
  });
});

const history = fc.array(
  fc.record({ gapS: fc.nat(3_600), status: fc.constantFrom(...STATUSES), isHeartbeat: fc.boolean() }),
  { maxLength: 40 },
);

describe("any history", () => {
  it("tells the same transitions wherever it was cut by a restart, each once and in turns", () => {
    fc.assert(
      fc.property(history, fc.nat(40), fc.constantFrom("csn", "native"), (signs, cut, dialect) => {
        const whole = make();
        whole.register("ns", "d", { dialect });
        const told: string[] = [];
        const stored = new Store();
        let machine = make();
        machine.register("ns", "d", { dialect });
        const toldInParts: string[] = [];
        let at = 0;
        signs.forEach(({ gapS, status, isHeartbeat }, index) => {
          at += gapS * 1_000;
          const sign = { at, position: index + 1, status: isHeartbeat ? status : ("" as const) };
          for (const one of [whole, machine]) {
            one.expire(at - 1);
            one.heard("ns", "d", sign, isHeartbeat);
          }
          stored.heard(sign, isHeartbeat);
          told.push(...settle(whole));
          for (const one of [...machine.owed()].flat()) stored.told(one);
          toldInParts.push(...settle(machine));
          if (index !== cut) return;
          machine = make();
          machine.register("ns", "d", { dialect });
          machine.load("ns", "d", stored.row);
        });
        expect(toldInParts).toEqual(told);
        expect(told.map((one) => one[0]).join("")).toMatch(/^(\+-)*\+?$/);
        expect(new Set(told.map((one) => `${one[0]}${one.split(" ")[2]}`)).size).toBe(told.length);
      }),
    );
  });
});

/** As the tables keep it. */
class Store {
  row: Heard = {
    signal: { at: 0, position: 0, status: "" },
    heartbeat: { at: 0, position: 0, status: "" },
    told: { phase: NEVER, position: 0, at: 0 },
  };

  heard(sign: Sign, isHeartbeat: boolean): void {
    this.row = { ...this.row, signal: { ...sign, status: "" }, ...(isHeartbeat ? { heartbeat: sign } : {}) };
  }

  told({ to, sign, at }: Transition): void {
    this.row = { ...this.row, told: { phase: to as Phase, position: sign.position, at } };
  }
}
