import { setImmediate as turn } from "node:timers/promises";
import type { LoggedEvent } from "@fieldlog/events";
import { type CursorRecord, type EventSink, Slots } from "@fieldlog/fan-out";
import { beforeEach, expect, it } from "vitest";
import type { WebhookSubscription } from "../service/webhook-subscriptions.js";
import { Delivery, type DeliveryParts } from "./delivery.js";
import type { Posted } from "./post.js";
import { QueueBudget } from "./queue.js";

const FAILED: Posted = { kind: "failed", reason: "answered 500", retryAfterS: 0 };
const webhook: WebhookSubscription = {
  ...{ namespace: "ns", id: "s1", url: "https://hooks.example/?token=x", batch: 0 },
  ...{ filters: [], after: 0, disabled: undefined, sequence: 1, granted: { by: "key:k", sequence: 1 } },
};
const clock = { now: 0 };
let record: CursorRecord;
let answers: Posted[];
let sent: { id: string; at: number; body: string }[];
let opened: number[];
let givenUp: string[];
let sink: EventSink;
let log: LoggedEvent[];

/** An event as far as a delivery looks at it. */
function event(position: number, bytes = 100): LoggedEvent {
  return {
    position,
    bytes,
    signal: { traceParent: "" },
    json: () => Buffer.from(String(position)),
  } as LoggedEvent;
}

beforeEach(() => {
  clock.now = 0;
  record = {
    ...{ position: 0, holder: "a.1", via: "webhook", connected: true, aliveAt: 0 },
    ...{ delivered: 0, failures: 0 },
  };
  [answers, sent, opened, givenUp, log] = [[], [], [], [], []];
});

/** The cursor gives at once all that the log has. */
function begin(batch = 0, more: Partial<DeliveryParts> = {}): Delivery {
  const budget = new QueueBudget();
  const held = {
    get record() {
      return record;
    },
    acknowledge: (position: number, delivered: number) => {
      const { failingSince: _, nextAttemptAt: __, attempted: ___, ...rest } = record;
      record = { ...rest, position, delivered: record.delivered + delivered, failures: 0 };
    },
    failed: ({ error, ...failure }: { error: string; nextAttemptAt: number; attempted?: number }) => {
      const { failures, failingSince = clock.now } = record;
      record = { ...record, ...failure, failures: failures + 1, failingSince, lastError: error };
    },
    release: async () => undefined,
  };
  const delivery = new Delivery(
    { ...webhook, batch },
    {
      ...{ held, budget, now: () => clock.now, mayDeliver: () => true, secrets: () => ["whsec_c2VjcmV0"] },
      lanes: { prompt: new Slots(4), slow: new Slots(4) },
      cursorAfter: (position, outlet) => {
        opened.push(position);
        sink = outlet;
        const start = () => {
          for (const each of log) if (each.position > position) outlet.deliver(each);
          outlet.caughtUp?.();
        };
        return { start, end: () => undefined, position: log.at(-1)?.position ?? position };
      },
      post: async (_, headers, body) => {
        sent.push({ id: headers["webhook-id"] ?? "", at: clock.now, body: body.toString() });
        return answers.shift() ?? { kind: "delivered" };
      },
      sleep: async (ms) => {
        clock.now += ms;
        await turn();
      },
      onAttempt: () => undefined,
      onError: () => undefined,
      onGivenUp: (reason) => void givenUp.push(reason),
      ...more,
    },
  );
  delivery.start();
  return delivery;
}

function untilEnded(_: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

async function restart(delivery: Delivery): Promise<void> {
  await settled();
  await delivery.end();
}

async function settled(): Promise<void> {
  for (let i = 0; i < 200; i++) await turn();
}

it("tries ten times within some three days, with the same id, and gives up then", async () => {
  answers = Array.from({ length: 20 }, () => FAILED);
  log = [event(7)];
  begin();
  await settled();
  expect(sent).toHaveLength(10);
  expect(new Set(sent.map(({ id }) => id))).toEqual(new Set(["ns-7"]));
  const hours = ((sent.at(-1)?.at ?? 0) - (sent[0]?.at ?? 0)) / 3_600_000;
  expect(hours).toBeGreaterThan(75);
  expect(hours).toBeLessThan(84);
  expect(givenUp).toEqual(["10 attempts failed, the last one: answered 500"]);
});

it("goes on with its schedule after a restart in the midst of it", async () => {
  answers = Array.from({ length: 3 }, () => FAILED);
  log = [event(7)];
  await restart(begin(0, { sleep: untilEnded }));
  expect(record).toMatchObject({ failures: 1 });
  const due = record.nextAttemptAt ?? 0;
  clock.now += 1_000;
  const again = begin();
  again.tick();
  expect(record).toMatchObject({ failures: 1, nextAttemptAt: due });
  await settled();
  expect(sent[1]?.at).toBeGreaterThanOrEqual(due);
  expect(record).toMatchObject({ failures: 0, position: 7 });
  expect(sent).toHaveLength(4);
});

it("makes a list that was refused up the same again, whatever has come since, also after a restart", async () => {
  answers = [FAILED, FAILED];
  log = [event(1), event(2), event(3)];
  await restart(begin(10, { sleep: untilEnded }));
  expect(sent.map(({ id }) => id)).toEqual(["ns-1-3"]);
  log.push(event(4), event(5));
  begin(10);
  await settled();
  expect(sent.map(({ id }) => id)).toEqual(["ns-1-3", "ns-1-3", "ns-1-3", "ns-4-5"]);
  expect(sent.map(({ body }) => body).slice(2)).toEqual(["[1,2,3]", "[4,5]"]);
});

it("keeps nothing in memory over a long pause, and begins again where it was", async () => {
  answers = [FAILED, FAILED];
  log = [event(1), event(2)];
  begin();
  await settled();
  // The first pause is of seconds; before the next one the log is let go.
  expect(opened).toEqual([0, 0]);
  expect(sent.map(({ body }) => body)).toEqual(["1", "1", "1", "2"]);
});

it("takes no more events than it has memory for", async () => {
  begin(100, { mayDeliver: () => false, sleep: untilEnded });
  await settled();
  let taken = 0;
  while (sink.hasRoom()) sink.deliver(event(++taken, 10));
  expect(taken).toBe(200);
  expect(await sink.roomed(1)).toBe(false);
});

it("sends nothing while another replica may have taken over", async () => {
  let may = false;
  log = [event(1)];
  begin(0, { mayDeliver: () => may });
  await turn();
  expect(sent).toEqual([]);
  may = true;
  await settled();
  expect(sent).toHaveLength(1);
});

it("does not stop at what was not foreseen", async () => {
  log = [event(1)];
  let failures = 0;
  const errors: Error[] = [];
  begin(0, {
    secrets: () => {
      if (failures++ === 0) throw new Error("sealed by another key");
      return ["whsec_c2VjcmV0"];
    },
    onError: (error) => errors.push(error),
  });
  await settled();
  expect(errors).toHaveLength(1);
  expect(sent).toHaveLength(1);
  expect(record).toMatchObject({ failures: 0, position: 1 });
});
