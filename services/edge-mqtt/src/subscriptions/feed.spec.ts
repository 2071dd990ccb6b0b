import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { type Commit, encodeBatch, LogGap, type ReadOptions } from "@fieldlog/event-log";
import { until } from "@fieldlog/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { endOf, Feed, type Follower } from "./feed.js";
import type { Subscription } from "./subscription.js";

/** A log that gives what the test appends to it. */
class FakeLog {
  readonly asked: number[] = [];
  failing: Error | undefined;
  private commits: Commit[] = [];
  private wake: () => void = () => undefined;

  constructor(private readonly last: number) {}

  append(sequence: number, ...topics: string[]): void {
    const data = encodeBatch(
      topics.map((topic) =>
        toBinary(
          signals.SignalSchema,
          create(signals.SignalSchema, {
            publication: { topic },
            body: { case: "message", value: { payload: new Uint8Array(1_500) } },
          }),
        ),
      ),
    );
    this.give(sequence, data);
  }

  give(sequence: number, data: Uint8Array): void {
    this.commits.push({ stream: "SIGNALS", sequence, subject: "", time: new Date(0), data });
    this.wake();
  }

  fail(error: Error): void {
    this.failing = error;
    this.wake();
  }

  async lastSequence(): Promise<number> {
    return this.last;
  }

  async *read(_stream: string, { after, signal }: ReadOptions): AsyncGenerator<Commit[], void> {
    this.asked.push(after);
    while (!signal?.aborted) {
      if (this.failing) {
        const error = this.failing;
        this.failing = undefined;
        throw error;
      }
      if (this.commits.length > 0) yield this.commits.splice(0);
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
          signal?.addEventListener("abort", () => resolve());
        });
      }
    }
  }
}

const errors: unknown[] = [];
const logger = { warn: () => undefined, error: (fields: unknown) => errors.push(fields) };
let feed: Feed;
afterEach(() => feed.stop());

function start(log: FakeLog) {
  const windows = { held: 0 };
  feed = new Feed({ log: log as never, namespace: "n", logger, windows });
  return windows;
}

function follower(filter: string) {
  const got: string[] = [];
  const rewound: number[] = [];
  const self: Follower = {
    offer: (_, { topic }) => void got.push(topic),
    rewind: (position) => void rewound.push(position),
  };
  feed.add({ follower: self, subscription: { filter } as Subscription });
  return { got, rewound };
}

describe("a feed", () => {
  it("offers what matches, and keeps the newest commits within its bounds", async () => {
    const log = new FakeLog(10);
    const windows = start(log);
    await feed.ready;
    expect(feed.tip).toBe(10);
    expect([feed.reaches(endOf(9)), feed.reaches(endOf(10))]).toEqual([false, true]);
    const { got } = follower("a/+");
    for (let sequence = 11; sequence <= 2_010; sequence += 2) log.append(sequence, "a/1", "b", "a/2");
    await until("all are taken", () => feed.tip === 2_009);
    expect(got).toHaveLength(2_000);
    const first = feed.next(0)?.sequence ?? 0;
    expect(feed.reaches(endOf(first) - 1)).toBe(true);
    expect(feed.reaches(endOf(first - 2))).toBe(true);
    expect(feed.reaches(endOf(first - 2) - 1)).toBe(false);
    expect(feed.next(endOf(first) - 1)?.sequence).toBe(first);
    expect(feed.next(endOf(first))?.sequence).toBe(first + 2);
    expect(feed.next(endOf(2_009))).toBeUndefined();
    expect(windows.held).toBeGreaterThan(3_000_000);
    expect(windows.held).toBeLessThanOrEqual(4 * 1024 * 1024);
    await feed.stop();
    expect(windows.held).toBe(0);
  });

  it("passes over what is no commit, and goes on after an interruption", async () => {
    const log = new FakeLog(0);
    start(log);
    const { got } = follower("#");
    log.give(1, Uint8Array.of(0xff, 0xff));
    log.append(2, "x");
    await until("it is offered", () => got.length === 1);
    expect(errors).toHaveLength(1);
    log.fail(new Error("interrupted"));
    log.append(3, "y");
    await until("it is offered", () => got.length === 2);
    expect(log.asked).toEqual([0, 2]);
  });

  it("goes back, with its followers, where the log has lost its end", async () => {
    const log = new FakeLog(100);
    start(log);
    const { got, rewound } = follower("#");
    await feed.ready;
    log.fail(new LogGap("SIGNALS", 100, 90));
    await until("it has gone back", () => feed.tip === 90);
    expect(rewound).toEqual([endOf(90)]);
    log.append(91, "again");
    await until("it is offered", () => got.length === 1);
    expect(log.asked).toEqual([100, 90]);
  });
});
