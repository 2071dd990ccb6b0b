import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable } from "@fieldlog/event-log";

export const NAMESPACE = "bench";
const DEVICES = 500;
/** Signals that wait for the log at once. */
const AT_ONCE = 20_000;
const ATTEMPTS = 30;
const PAUSE_MS = 1_000;
/** One a millisecond, beginning here: 1 November 2026. */
const BEGIN = Date.UTC(2026, 10, 1);

type Body = NonNullable<MessageInitShape<typeof signals.SignalSchema>["body"]>;

/** What devices say most: an event with data, a measurement of three values, a plain message. */
export const KINDS = {
  events: (index: number): Body => ({
    case: "event",
    value: { name: "door-opened", data: Buffer.from(`{"who":"badge-${index % 977}"}`) },
  }),
  measurements: (index: number, at: number): Body => ({
    case: "measurements",
    value: {
      measurements: [
        {
          occurredAt: at / 1000,
          attributes: ["temperature", "humidity", "pressure"],
          values: [20 + (index % 100) / 10, 40 + (index % 60), 1_000 + (index % 40)],
        },
      ],
    },
  }),
  messages: (index: number): Body => ({
    case: "message",
    value: {
      payload: Buffer.from(`{"n":${index},"text":"as long as most are, that is to say not very long"}`),
    },
  }),
} as const;

export type KindName = keyof typeof KINDS;

/** Asks again while the log is too busy to answer: what is in it twice is applied once. Raises LogUnavailable. */
async function stored(log: EventLog, signal: Uint8Array): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await log.signals.append(NAMESPACE, signal);
      return;
    } catch (error) {
      if (!(error instanceof LogUnavailable) || attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/** Signals of one kind, numbered from `from` up to `to`, of many devices in turn, each with an identity. Raises LogUnavailable. */
export async function fill(log: EventLog, kind: KindName, to: number, from = 0): Promise<void> {
  for (let begin = from; begin < to; begin += AT_ONCE) {
    const waiting: Promise<unknown>[] = [];
    for (let index = begin; index < Math.min(begin + AT_ONCE, to); index++) {
      const at = BEGIN + index;
      const signal = create(signals.SignalSchema, {
        ...{ device: `device-${index % DEVICES}`, identity: `id-${index}` },
        ...{ receivedAt: BigInt(at), occurredAt: BigInt(at) },
        ...(kind === "messages" && { publication: { topic: `rooms/${index % 50}/state`, qos: 1 } }),
        body: KINDS[kind](index, at),
      });
      waiting.push(stored(log, toBinary(signals.SignalSchema, signal)));
    }
    await Promise.all(waiting);
  }
}
