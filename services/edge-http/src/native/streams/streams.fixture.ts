import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Position, signals } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { encoded } from "@fieldlog/testkit";
import { EventSource } from "eventsource";

export type Heard = { readonly id: string; readonly type: string; readonly n: number };

/** Appends an event whose data is `{"n": …}`. */
export function report(
  log: Pick<EventLog, "signals">,
  n: number,
  event: MessageInitShape<typeof signals.EventSchema> = {},
  device = "d1",
): Promise<Position> {
  const now = BigInt(Date.now());
  const data = event.data ?? Buffer.from(JSON.stringify({ n }));
  const signal = create(signals.SignalSchema, {
    ...{ device, identity: `e${n}`, receivedAt: now, occurredAt: now },
    body: { case: "event", value: { name: "tick", ...event, data } },
  });
  return log.signals.append("test", encoded(signal));
}

/** A client of npm's `eventsource`, which comes back by itself with Last-Event-ID. */
export class Listener {
  readonly heard: Heard[] = [];
  /** Status of each answer that it got. */
  readonly answers: number[] = [];
  readonly sentIds: (string | null)[] = [];
  private readonly source: EventSource;

  constructor(url: string, key: string, headers: Record<string, string> = {}) {
    this.source = new EventSource(url, {
      fetch: async (input, init) => {
        const all = new Headers({ ...headers, ...init.headers, authorization: `Bearer ${key}` });
        this.sentIds.push(all.get("last-event-id"));
        const response = await fetch(input, { ...init, headers: all });
        this.answers.push(response.status);
        return response;
      },
    });
    this.source.addEventListener("event", ({ lastEventId, data, type }) => {
      const { position, data: body } = JSON.parse(data) as { position: number; data: { n: number } };
      if (String(position) !== lastEventId) throw new Error(`id ${lastEventId} of position ${position}`);
      this.heard.push({ id: lastEventId, type, n: body.n });
    });
  }

  get numbers(): number[] {
    return this.heard.map(({ n }) => n);
  }

  get isOpen(): boolean {
    return this.source.readyState === EventSource.OPEN;
  }

  get isClosed(): boolean {
    return this.source.readyState === EventSource.CLOSED;
  }

  close(): void {
    this.source.close();
  }
}

/** 0, 1, … n - 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
