/** Of what a table is asked by: the values of its columns, in order. */
export type Key = readonly (string | number)[];

export function textOf(key: Key): string {
  return key.join("\u0000");
}

/** Rows of one table, as far as they were asked for. One that was not is taken as missing, and remembered. */
export class Known<V> {
  private readonly found = new Map<string, V | undefined>();
  private readonly asked = new Map<string, Key>();

  get(key: Key): V | undefined {
    const text = textOf(key);
    if (!this.found.has(text)) this.asked.set(text, key);
    return this.found.get(text);
  }

  /** What is to be looked up before that which was concluded from it is true. */
  get missing(): readonly Key[] {
    return [...this.asked.values()];
  }

  /** All that was missing was looked up, and this is what there is. */
  add(rows: Iterable<readonly [Key, V]>): void {
    for (const text of this.asked.keys()) this.found.set(text, undefined);
    for (const [key, value] of rows) this.found.set(textOf(key), value);
    this.asked.clear();
  }

  forgetMissing(): void {
    this.asked.clear();
  }
}

/** The same with what came to it since, which nobody else sees. */
export class Since<V> {
  private readonly added = new Map<string, V>();

  constructor(private readonly known: Known<V>) {}

  get(key: Key): V | undefined {
    return this.added.get(textOf(key)) ?? this.known.get(key);
  }

  addedAt(key: Key): V | undefined {
    return this.added.get(textOf(key));
  }

  set(key: Key, value: V): void {
    this.added.set(textOf(key), value);
  }
}
