/** Which of its namespace's logs: that of facts, whatever its shard, or that of decisions. */
export type WrittenLog = "SIGNALS" | "REGISTRY";

/** Namespaces whose newest write is remembered. */
const NAMESPACES = 10_000;

/** The newest sequence of each log that this edge has itself written for a namespace: what its readers must see. */
export class OwnWrites {
  private readonly newest = new Map<string, Record<WrittenLog, number>>();

  note(namespace: string, log: WrittenLog, sequence: number): void {
    let known = this.newest.get(namespace);
    if (known === undefined) {
      if (this.newest.size >= NAMESPACES) this.newest.clear();
      known = { SIGNALS: 0, REGISTRY: 0 };
      this.newest.set(namespace, known);
    }
    if (sequence > known[log]) known[log] = sequence;
  }

  /** 0: none. */
  of(namespace: string, log: WrittenLog): number {
    return this.newest.get(namespace)?.[log] ?? 0;
  }
}
