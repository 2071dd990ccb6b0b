import type { StreamName } from "@fieldlog/contracts";

/** Namespaces whose newest write is remembered. */
const NAMESPACES = 10_000;

/** The newest sequence of each log that this edge has itself written for a namespace: what its readers must see. */
export class OwnWrites {
  private readonly newest = new Map<string, { SIGNALS: number; REGISTRY: number }>();

  note(namespace: string, stream: StreamName, sequence: number): void {
    let known = this.newest.get(namespace);
    if (known === undefined) {
      if (this.newest.size >= NAMESPACES) this.newest.clear();
      known = { SIGNALS: 0, REGISTRY: 0 };
      this.newest.set(namespace, known);
    }
    if (sequence > known[stream]) known[stream] = sequence;
  }

  /** 0: none. */
  of(namespace: string, stream: StreamName): number {
    return this.newest.get(namespace)?.[stream] ?? 0;
  }
}
