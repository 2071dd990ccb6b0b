import { expect, it } from "vitest";
import type { Machine } from "../system/machine.js";
import type { Fault } from "./fault.js";
import { Keeper } from "./keeper.js";
import { perform, targetsOf, type Victims } from "./perform.js";

/** A process that notes what is done to it. */
class FakeMachine implements Machine {
  pid = 1;
  readonly done: string[] = [];
  /** So many starts fail first. */
  failing = 0;

  async kill() {
    this.note("kill", 0);
  }
  async stop() {
    this.note("stop", 0);
  }
  async start() {
    if (this.failing-- > 0) {
      this.note("fail", 0);
      throw new Error("it gives up");
    }
    this.note("start", 1);
  }
  async pause() {
    this.done.push("pause");
  }
  async resume() {
    this.done.push("resume");
  }
  async illness() {
    return undefined;
  }

  private note(what: string, pid: number): void {
    this.done.push(what);
    this.pid = pid;
  }
}

function scene(machine: FakeMachine) {
  const quota: string[] = [];
  const clocks: number[] = [];
  const parted: string[] = [];
  const route = {
    set: (weather: object) => void parted.push(JSON.stringify(weather)),
    cut: () => void parted.push("cut"),
  };
  const keeper = new Keeper(machine);
  const victims: Victims = {
    ...{ keepers: new Map([["a", keeper]]), links: new Map(), repeatable: [], logs: ["SIGNALS"] },
    routes: new Map([["nats-1 from the others", route]]),
    quota: {
      fill: async (stream) => void quota.push(`fill ${stream}`),
      empty: async (stream) => void quota.push(`empty ${stream}`),
    },
    clocks: new Map([["s", (ms) => void clocks.push(ms)]]),
  };
  return { keeper, victims, quota, clocks, parted };
}

const fault = (kind: Fault["kind"], target: string, atMs = 0): Fault => ({
  ...{ kind, target, atMs, forMs: 1, amount: 5 },
});
const context = () => ({ progress: () => undefined, signal: new AbortController().signal });

it("each fault is done and lifted, and what was ended runs again", async () => {
  const machine = new FakeMachine();
  const { victims, quota, clocks, parted } = scene(machine);
  const faults = [fault("kill", "a"), fault("pause", "a", 20), fault("restart", "a", 40)];
  const others = [fault("fill", "SIGNALS", 60), fault("clock", "s", 60)];
  const apart = fault("part", "nats-1 from the others", 60);
  expect(await perform([...faults, ...others, apart], victims, context())).toHaveLength(6);
  expect(parted).toEqual(['{"refuse":true}', "cut", "cut", '{"swallow":false,"refuse":false}']);
  expect(machine.done).toEqual(["kill", "start", "pause", "resume", "stop", "start"]);
  expect(quota).toEqual(["fill SIGNALS", "empty SIGNALS"]);
  expect(clocks).toEqual([5, 0]);
  expect(targetsOf(victims)).toMatchObject({ kill: ["a"], fill: ["SIGNALS"], clock: ["s"], cut: [] });
});

it("one that ends by itself is noted and started, one that gives up while it starts is started again", async () => {
  const machine = new FakeMachine();
  const { keeper } = scene(machine);
  machine.pid = 0;
  machine.failing = 2;
  const stop = new AbortController();
  const keeping = keeper.keep(stop.signal);
  while (machine.pid === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await keeping;
  expect(machine.done).toEqual(["fail", "fail", "start"]);
  expect([keeper.endings, keeper.failedStarts]).toEqual([1, 2]);
});
