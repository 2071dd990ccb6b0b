import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { decodeBatch, type EventLog } from "@fieldlog/event-log";

export const NAMESPACE = "bench";
export const STREAM = { group: "plant", stream: "presses" } as const;
/** Bytes of one message. */
const PAYLOAD = Buffer.alloc(200, "x");
/** Messages that wait for the log at once. */
const AT_ONCE = 10_000;

/** Messages of many devices in turn, each with ids of its own and in batches of so many. Raises LogUnavailable. */
export async function say(
  log: EventLog,
  { messages, devices, perBatch }: { messages: number; devices: number; perBatch: number },
  only: {
    readonly device?: string;
    readonly id?: string;
    /** What the devices' ids begin with, and how many messages each has sent before. */
    readonly fleet?: string;
    readonly sent?: number;
  } = {},
): Promise<void> {
  for (let begin = 0; begin < messages; begin += AT_ONCE) {
    const waiting: Promise<unknown>[] = [];
    for (let i = begin; i < Math.min(begin + AT_ONCE, messages); i++) {
      const ofDevice = (only.sent ?? 0) + Math.floor(i / devices);
      const id = only.id ?? `m${ofDevice}`;
      const batch = only.device === undefined ? `b${Math.floor(ofDevice / perBatch)}` : "b";
      const device = only.device ?? `${only.fleet ?? "press"}-${i % devices}`;
      waiting.push(log.signals.append(NAMESPACE, encoded(device, { ...STREAM, batch, message: id })));
    }
    await Promise.all(waiting);
  }
}

function encoded(device: string, value: MessageInitShape<typeof signals.StreamMessageSchema>): Uint8Array {
  const at = BigInt(Date.now());
  const signal = create(signals.SignalSchema, {
    ...{ device, identity: `${value.batch}/${value.message}`, receivedAt: at, occurredAt: at },
    body: { case: "streamMessage", value: { ...value, payload: PAYLOAD } },
  });
  return toBinary(signals.SignalSchema, signal);
}

/** When this process heard of each of so many messages that they are stored, by their ids; `performance.now()`. */
export async function toldAt(log: EventLog, after: number, count: number): Promise<Map<string, number>> {
  const at = new Map<string, number>();
  for await (const commits of log.read(SIGNALS, { after, subject: signalsSubject(NAMESPACE) })) {
    for (const { body } of commits.flatMap(({ data }) => decodeBatch(data))) {
      if (body.case !== "event" || body.value.name !== "StreamMessageCompleted") continue;
      const { id } = JSON.parse(Buffer.from(body.value.data).toString()) as { id: string };
      at.set(id, performance.now());
    }
    if (at.size >= count) break;
  }
  return at;
}
