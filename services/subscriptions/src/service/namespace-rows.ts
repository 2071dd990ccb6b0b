import type { ActiveSubscription } from "../decisions/subscription.js";

/** A subscription as of its decision at `sequence`. */
export interface Row {
  readonly namespace: string;
  readonly id: string;
  readonly state: ActiveSubscription;
  readonly sequence: number;
}

/** A namespace's subscriptions, by id and by owner. */
export class NamespaceRows {
  private readonly byId = new Map<string, Row>();
  private readonly byOwner = new Map<string, Set<string>>();
  /** Sorted ids, until one comes or goes. */
  private sorted: readonly string[] | undefined;

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Row | undefined {
    return this.byId.get(id);
  }

  all(): Iterable<Row> {
    return this.byId.values();
  }

  countOf(owner: string): number {
    return this.byOwner.get(owner)?.size ?? 0;
  }

  set(row: Row): void {
    const { id, state } = row;
    if (!this.byId.has(id)) this.sorted = undefined;
    this.byId.set(id, row);
    const own = this.byOwner.get(state.owner) ?? new Set();
    this.byOwner.set(state.owner, own.add(id));
  }

  delete(id: string): void {
    const row = this.byId.get(id);
    if (row === undefined) return;
    this.sorted = undefined;
    this.byId.delete(id);
    const own = this.byOwner.get(row.state.owner);
    own?.delete(id);
    if (own?.size === 0) this.byOwner.delete(row.state.owner);
  }

  /**
   * By id, at most `limit` of them with ids above `after`.
   *
   * @param owner empty: everybody's
   */
  page(owner: string, after: string, limit: number): { readonly rows: Row[]; readonly next: string } {
    const ids = owner === "" ? this.ids() : [...(this.byOwner.get(owner) ?? [])].sort();
    const start = indexAfter(ids, after);
    const found = ids.slice(start, start + limit);
    const rows = found.flatMap((id) => this.byId.get(id) ?? []);
    return { rows, next: start + limit < ids.length ? (found.at(-1) ?? "") : "" };
  }

  private ids(): readonly string[] {
    this.sorted ??= [...this.byId.keys()].sort();
    return this.sorted;
  }
}

/** Of sorted texts, the index of the first that is greater. */
function indexAfter(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}
