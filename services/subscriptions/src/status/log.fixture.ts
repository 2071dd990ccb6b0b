import { create, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import type { Commit, EventLog, ReadOptions } from "@fieldlog/event-log";

export const START = Date.UTC(2026, 4, 1);

/** A log in memory, in which the commit with sequence n was stored n seconds after {@link START}. */
export class MemoryLog implements Pick<EventLog, "lastSequence"> {
  private readonly commits: Commit[] = [];
  /** Sequences that were read, in order. */
  readonly readSequences: number[] = [];

  /** Stores a commit of so many events, and one heartbeat; returns its sequence. */
  add(namespace: string, events: number): number {
    const sequence = this.commits.length + 1;
    const event = { device: "17", body: { case: "event" as const, value: { name: "Light" } } };
    const heartbeat = { device: "17", body: { case: "heartbeat" as const, value: {} } };
    const batch = create(signals.SignalBatchSchema, {
      signals: [heartbeat, ...Array.from({ length: events }, () => event)],
    });
    const data = toBinary(signals.SignalBatchSchema, batch);
    const time = new Date(START + sequence * 1_000);
    this.commits.push({ stream: SIGNALS, sequence, subject: signalsSubject(namespace), time, data });
    return sequence;
  }

  async lastSequence(): Promise<number> {
    return this.commits.length;
  }

  async timeAfter(_: string, sequence: number, subject: string): Promise<Date | undefined> {
    return this.commits.find((commit) => commit.sequence > sequence && commit.subject === subject)?.time;
  }

  async *read(_: string, { after, until = Infinity, subject }: ReadOptions): AsyncGenerator<Commit[], void> {
    const found = this.commits.filter(
      (commit) => commit.sequence > after && commit.sequence <= until && commit.subject === subject,
    );
    this.readSequences.push(...found.map(({ sequence }) => sequence));
    if (found.length > 0) yield found;
  }
}
