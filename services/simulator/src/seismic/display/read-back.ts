/** A pick as the native API gives it back. */
export interface ReadPick {
  readonly device: string;
  /** When it happened, by its CloudEvents `time`: ms since 1970 UTC. */
  readonly time: number;
  /** When its device sent it, by the same clock as this process: ms since 1970 UTC. */
  readonly sentAt: number;
  readonly position: number;
}

/** The native API did not answer as documented. */
export class ReadBackError extends Error {
  override readonly name = "ReadBackError";
}

const PAGE = 1_000;

/** Reads the namespace's picks from the read model, oldest first, each once. */
export class ReadBack {
  readonly #base: string;
  readonly #key: string;
  readonly #from: string;
  #after: number | undefined;

  constructor(options: { url: string; namespace: string; key: string; from: number }) {
    this.#base = `${options.url}/v1/namespaces/${options.namespace}/events`;
    this.#key = options.key;
    this.#from = new Date(options.from).toISOString();
  }

  /** The picks that have become visible since the last call. Raises ReadBackError. */
  async read(): Promise<ReadPick[]> {
    const picks: ReadPick[] = [];
    for (;;) {
      const page = await this.#page();
      picks.push(...page);
      if (page.length < PAGE) return picks;
    }
  }

  async #page(): Promise<ReadPick[]> {
    const query = new URLSearchParams({ type: "pick", limit: String(PAGE), from: this.#from });
    if (this.#after !== undefined) query.set("after", String(this.#after));
    const response = await fetch(`${this.#base}?${query}`, {
      headers: { authorization: `Bearer ${this.#key}` },
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok)
      throw new ReadBackError(`HTTP ${response.status} from ${this.#base}: ${text.slice(0, 300)}`);
    const picks = parsePage(text);
    this.#after = picks.at(-1)?.position ?? this.#after;
    return picks;
  }
}

/** The picks of one answer of `GET /v1/namespaces/{ns}/events`. Raises ReadBackError. */
export function parsePage(text: string): ReadPick[] {
  try {
    const { events } = JSON.parse(text) as {
      events: { source: string; time: string; position: number; data: { sentAt?: string } }[];
    };
    return events.map(({ source, time, position, data }) => ({
      device: source.slice(source.lastIndexOf("/") + 1),
      time: Date.parse(time),
      sentAt: Date.parse(data.sentAt ?? ""),
      position,
    }));
  } catch (error) {
    throw new ReadBackError(`not a page of events (${(error as Error).message}): ${text.slice(0, 300)}`);
  }
}
