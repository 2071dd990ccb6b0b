import { endOf } from "@fieldlog/contracts";
import { type Commit, LogGap, type ReadOptions } from "@fieldlog/event-log";
import { until } from "@fieldlog/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { Feed, type Follower } from "./feed.js";
import type { Kind, ReadCommit } from "./kind.js";

interface Word {
  readonly position: number;
  readonly text: string;
}

interface Wanted {
  readonly start: string;
  readonly after: number;
}

type Words = ReadCommit<Word>;

/** Words between blanks, chosen by how they begin. */
const words: Kind<Word, Words, Wanted> = {
  read(_namespace, sequence, data, onError) {
    const text = Buffer.from(data).toString();
    if (text === "broken") onError(new Error("no words"));
    const list = text === "broken" ? [] : text.split(" ");
    const messages = list.map((text, i) => ({ text, position: endOf(sequence - 1) + 1 + i }));
    return { sequence, messages, bytes: 5_000 };
  },
  index<T>(subscriptionOf: (value: T) => Wanted) {
    const values = new Set<T>();
    return {
      add: (value: T) => void values.add(value),
      delete: (value: T) => void values.delete(value),
      match({ text }: Word, visit: (value: T) => void) {
        for (const each of values) if (text.startsWith(subscriptionOf(each).start)) visit(each);
      },
      each: (visit: (value: T) => void) => values.forEach((each) => void visit(each)),
    };
  },
};

/** A log that gives what the test appends to it. */
class FakeLog {
  readonly asked: number[] = [];
  failing: Error | undefined;
  private commits: Commit[] = [];
  private wake: () => void = () => undefined;

  constructor(private readonly last: number) {}

  append(sequence: number, text: string): void {
    const data = Buffer.from(text);
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
let feed: Feed<Word, Words, Wanted>;
afterEach(() => feed.stop());

function start(log: FakeLog) {
  const windows = { held: 0 };
  feed = new Feed({ kind: words, log: log as never, namespace: "n", logger, windows });
  return windows;
}

function follower(...starts: string[]) {
  const got: string[] = [];
  const matched: number[] = [];
  const rewound: number[] = [];
  const self: Follower<Word, Words, Wanted> = {
    offer(_, { text }, subscriptions) {
      got.push(text);
      matched.push(subscriptions.length);
    },
    rewind: (position) => void rewound.push(position),
  };
  for (const start of starts) feed.add({ follower: self, alone: [{ start, after: 0 }] });
  return { got, matched, rewound };
}

describe("a feed", () => {
  it("offers what matches, and keeps the newest commits within its bounds", async () => {
    const log = new FakeLog(10);
    const windows = start(log);
    await feed.ready;
    expect(feed.tip).toBe(10);
    expect([feed.reaches(endOf(9)), feed.reaches(endOf(10))]).toEqual([false, true]);
    const { got, matched } = follower("a", "a1");
    for (let sequence = 11; sequence <= 2_010; sequence += 2) log.append(sequence, "a1 b a2");
    await until("all are taken", () => feed.tip === 2_009);
    expect(got).toEqual(Array.from({ length: 2_000 }, (_, i) => (i % 2 === 0 ? "a1" : "a2")));
    expect(matched.slice(0, 4)).toEqual([2, 1, 2, 1]);
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
    const { got } = follower("");
    log.append(1, "broken");
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
    const { got, rewound } = follower("");
    await feed.ready;
    log.fail(new LogGap("SIGNALS", 100, 90));
    await until("it has gone back", () => feed.tip === 90);
    expect(rewound).toEqual([endOf(90)]);
    log.append(91, "again");
    await until("it is offered", () => got.length === 1);
    expect(log.asked).toEqual([100, 90]);
  });
});
