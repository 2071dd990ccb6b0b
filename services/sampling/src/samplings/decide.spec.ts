import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { fold, type Outcome } from "@fieldlog/decider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as decide from "./decide.js";
import {
  type Asked,
  type DeviceSamplings,
  deviceSamplings,
  isWaiting,
  nextDeadline,
  STEPS,
  type Step,
} from "./device-samplings.js";
import { TooManySamplings, UnknownSampling } from "./refusals.js";

const ASKED: Asked = {
  ...{ sensor: "Microphone", label: "wave", lengthMs: 2_000, intervalMs: 0.0625, category: "training" },
  labelColor: "",
};
const ALL = ["a", "b", "c"];

/** A device's history: what is decided is in the log at once. */
class History {
  snapshot = { state: deviceSamplings.initial, sequence: 0 };
  now = 1_000_000;
  /** What was decided last, as `event case` or `step`. */
  last: string[] = [];

  decide<R>(decision: (state: DeviceSamplings) => Outcome<R>): R {
    const { events, result } = decision(this.snapshot.state);
    this.last = events.map(({ event }) => {
      const value = event?.value as { step?: string; outcome?: string };
      return value?.step ?? value?.outcome ?? event?.case ?? "";
    });
    if (events.length === 0) return result;
    const decision_ = create(registry.DecisionSchema, {
      events: [...events],
      decidedAt: BigInt(this.now),
      decidedBy: "x",
    });
    this.snapshot = fold(deviceSamplings, this.snapshot, this.snapshot.sequence + 1, decision_);
    return result;
  }
  request(id: string, connection?: string): void {
    this.decide(decide.request(id, ASKED, connection, this.now));
  }
  report(step: Step, percent?: number): string {
    return this.decide(decide.report(step, percent, "c1", this.now));
  }
  refuse(reason = "no"): string {
    return this.decide(decide.refuse(reason, "c1", this.now));
  }
  pass(ms: number): void {
    this.now += ms;
    this.decide(decide.expire(this.now));
  }
  phase(id: string): string | undefined {
    const { open, ended } = this.snapshot.state;
    return [...open, ...ended].find((one) => one.id === id)?.phase;
  }
  get busy(): string | undefined {
    return this.snapshot.state.busy?.sampling;
  }
}

describe("a sampling", () => {
  it("is requested and sent in one decision when the device is connected and free", () => {
    const history = new History();
    history.request("a", "c1");
    expect(history.last).toEqual(["samplingRequested", "samplingSent"]);
    expect(history.phase("a")).toBe("sent");
  });

  it("waits in order while another runs, and while the device is away", () => {
    const history = new History();
    for (const id of ALL) history.request(id);
    expect(history.snapshot.state.open.map(({ phase }) => phase)).toEqual(["queued", "queued", "queued"]);
    history.decide(decide.connected("c1", history.now));
    expect([history.busy, history.phase("a"), history.phase("b")]).toEqual(["a", "sent", "queued"]);
    history.request("d", "c1");
    expect(history.last).toEqual(["samplingRequested"]);
    history.report("finished");
    expect(history.last).toEqual(["finished", "samplingSent"]);
    expect([history.busy, history.phase("a")]).toEqual(["b", "finished"]);
  });

  it("is refused once as many wait as may", () => {
    const history = new History();
    for (let i = 0; i < limits.samplingsQueued; i++) history.request(`q${i}`);
    expect(() => history.request("more", "c1")).toThrow(TooManySamplings);
  });

  it("is sent once, whatever comes", () => {
    const history = new History();
    history.request("a", "c1");
    history.decide(decide.connected("c1", history.now));
    history.decide(decide.next("c1", history.now));
    expect(history.last).toEqual([]);
  });

  it("takes what the device says in any order, each once, and never goes back", () => {
    const history = new History();
    history.request("a", "c1");
    for (const step of ["started", "accepted", "started", "uploading", "accepted"] as const) {
      history.report(step);
    }
    expect(history.phase("a")).toBe("uploading");
    const steps = history.snapshot.state.open[0]?.steps.map(({ name }) => name);
    expect(steps).toEqual(["sent", "started", "accepted", "uploading"]);
  });

  it("tells how far the device has read, and only when that is further", () => {
    const history = new History();
    history.request("a", "c1");
    for (const percent of [undefined, 10, 10, 5, 40]) history.report("reading", percent);
    expect(history.snapshot.state.open[0]?.percent).toBe(40);
    history.report("reading", 40);
    expect(history.last).toEqual([]);
  });

  it("is refused before the device has begun, and has failed afterwards", () => {
    const history = new History();
    history.request("a", "c1");
    history.report("accepted");
    expect(history.refuse("Invalid sensor")).toBe("a");
    expect(history.phase("a")).toBe("refused");
    expect(history.snapshot.state.ended[0]?.reason).toBe("Invalid sensor");
    history.pass(1_000);
    history.request("b", "c1");
    history.report("started");
    history.refuse();
    expect(history.phase("b")).toBe("failed");
  });

  it("leaves the device a second after no, because some then say that they have finished", () => {
    const history = new History();
    history.request("a", "c1");
    history.request("b", "c1");
    history.refuse();
    expect(history.busy).toBe("a");
    history.report("finished");
    expect(history.last).toEqual(["released", "samplingSent"]);
    expect([history.busy, history.phase("a"), history.phase("b")]).toEqual(["b", "refused", "sent"]);
  });

  it("has arrived with its upload, whatever was said before", () => {
    for (const said of [[], ["started"], ["started", "uploading"], ["finished"]] as Step[][]) {
      const history = new History();
      history.request("a", "c1");
      for (const step of said) history.report(step);
      history.decide(decide.arrive("a", { id: "s", number: 7 }));
      expect(history.phase("a")).toBe("arrived");
      history.decide(decide.arrive("a", { id: "t", number: 8 }));
      expect(history.last).toEqual([]);
    }
  });

  it("keeps the device until it says that it has finished, though its upload has arrived", () => {
    const history = new History();
    history.request("a", "c1");
    history.request("b", "c1");
    history.report("uploading");
    history.decide(decide.arrive("a", { id: "s", number: 7 }));
    expect(history.busy).toBe("a");
    history.decide(decide.next("c1", history.now));
    expect(history.last).toEqual([]);
    expect(history.report("finished")).toBe("a");
    expect(history.last).toEqual(["finished", "samplingSent"]);
    expect([history.phase("a"), history.phase("b")]).toEqual(["arrived", "sent"]);
  });

  it("frees a device that never says so a while after its upload", () => {
    const history = new History();
    history.request("a", "c1");
    history.decide(decide.arrive("a", { id: "s", number: 7 }));
    history.pass(limits.samplingAnswerMs);
    expect([history.last, history.busy]).toEqual([["released"], undefined]);
  });

  it("fails when the connection ends before the device answered, and not when it ends later", () => {
    const history = new History();
    history.request("a", "c1");
    history.decide(decide.disconnected("c0"));
    expect(history.last).toEqual([]);
    history.decide(decide.disconnected("c1"));
    expect([history.phase("a"), history.busy]).toEqual(["failed", undefined]);
    history.request("b", "c2");
    history.report("accepted");
    history.decide(decide.disconnected("c2"));
    history.decide(decide.connected("c3", history.now));
    expect([history.phase("b"), history.busy]).toEqual(["accepted", "b"]);
  });

  it("that went to a connection before is lost when a newer one is there", () => {
    const history = new History();
    history.request("a", "c1");
    history.request("b", "c1");
    history.decide(decide.connected("c2", history.now));
    expect([history.phase("a"), history.phase("b")]).toEqual(["failed", "sent"]);
  });

  it("that is cancelled keeps the device until that has finished; one that waits just goes", () => {
    const history = new History();
    for (const id of ALL) history.request(id, "c1");
    history.decide(decide.cancel("b"));
    history.decide(decide.cancel("a"));
    history.decide(decide.cancel("a"));
    expect(history.last).toEqual([]);
    expect([history.phase("a"), history.phase("b"), history.busy]).toEqual(["cancelled", "cancelled", "a"]);
    history.pass(10);
    history.report("started");
    expect(history.last).toEqual(["busy"]);
    history.report("uploading");
    expect(history.last).toEqual([]);
    history.pass(limits.samplingAnswerMs + 1);
    expect(history.busy).toBe("a");
    history.report("finished");
    expect(history.last).toEqual(["released", "samplingSent"]);
    expect(history.phase("c")).toBe("sent");
    expect(() => history.decide(decide.cancel("nobody's"))).toThrow(UnknownSampling);
  });

  it.each<[string, (history: History) => void, number]>([
    ["in the queue", (history) => history.request("a"), limits.samplingQueuedMs],
    ["unanswered", (history) => history.request("a", "c1"), limits.samplingAnswerMs],
    [
      "in the midst of it",
      (history) => {
        history.request("a", "c1");
        history.report("started");
      },
      limits.samplingSignMs + 2_000 * limits.samplingLengthTimes,
    ],
    [
      "finished, and nothing uploaded",
      (history) => {
        history.request("a", "c1");
        history.report("finished");
      },
      limits.samplingUploadMs,
    ],
  ])("times out %s", (_, prepare, ms) => {
    const history = new History();
    prepare(history);
    history.pass(ms - 1);
    expect(history.last).toEqual([]);
    history.pass(1);
    expect(history.last).toEqual(["timed-out"]);
    expect([history.phase("a"), history.busy]).toEqual(["timed-out", undefined]);
    expect(nextDeadline(history.snapshot.state)).toBeUndefined();
  });
});

type Move = readonly [kind: string, argument: number];

const moves: readonly string[] = [
  ...["request", "connected", "disconnected", "report", "refuse", "arrive", "cancel", "pass", "next"],
];

function make(history: History, [kind, argument]: Move, made: string[]): void {
  const connection = `c${argument % 3}`;
  const id = made[argument % Math.max(1, made.length)] ?? "none";
  if (kind === "request") {
    made.push(`s${made.length}`);
    history.request(made.at(-1) as string, argument % 2 === 0 ? connection : undefined);
  } else if (kind === "connected") history.decide(decide.connected(connection, history.now));
  else if (kind === "disconnected") history.decide(decide.disconnected(connection));
  else if (kind === "report") history.report(STEPS[argument % STEPS.length] as Step, argument % 101);
  else if (kind === "refuse") history.refuse();
  else if (kind === "arrive") history.decide(decide.arrive(id, { id: "x", number: 1 }));
  else if (kind === "pass") history.pass(argument * 500);
  else if (kind === "next") history.decide(decide.next(connection, history.now));
  else if (id !== "none" && history.phase(id) !== undefined) history.decide(decide.cancel(id));
}

describe("whatever happens", () => {
  it("the device has one at a time, each is sent once and ends once, and time ends all", () => {
    const any = fc.tuple(fc.constantFrom(...moves), fc.nat(200));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (all) => {
        const history = new History();
        const made: string[] = [];
        const sent: string[] = [];
        const ended: string[] = [];
        for (const move of all) {
          const was = history.snapshot.state;
          make(history, move, made);
          const { open, busy } = history.snapshot.state;
          const running = open.filter(({ phase }) => phase !== "queued" && phase !== "finished");
          expect(running.length).toBeLessThanOrEqual(1);
          if (running[0]) expect(busy?.sampling).toBe(running[0].id);
          for (const { id, connection } of open) {
            const before = was.open.find((one) => one.id === id);
            if (connection !== undefined && before?.connection === undefined) sent.push(id);
          }
          for (const one of was.open) if (!open.some(({ id }) => id === one.id)) ended.push(one.id);
        }
        expect(new Set(sent).size).toBe(sent.length);
        expect(new Set(ended).size).toBe(ended.length);
        for (let i = 0; i < 4 && nextDeadline(history.snapshot.state) !== undefined; i++)
          history.pass(3_600_000);
        expect(history.snapshot.state.open).toEqual([]);
        expect(history.busy).toBeUndefined();
        expect(isWaiting(history.snapshot.state)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
