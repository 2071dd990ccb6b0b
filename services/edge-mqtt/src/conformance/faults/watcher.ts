import type { RawClient } from "../wire/raw-client.js";
import type { Logged } from "./truth.js";

/** A kept session that reads all the time, over whatever connection there is. */
export class Watcher {
  readonly #seen = new Map<string, { payload: string; dup: boolean }[]>();
  #running = true;
  #loop: Promise<void> | undefined;

  constructor(private readonly connect: () => Promise<RawClient>) {}

  async start(filter: string): Promise<void> {
    const client = await this.connect();
    await client.subscribe({ filter, qos: 2 });
    this.#loop = this.#run(client);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  /** All that the log holds, each at least once. */
  has(inLog: Map<string, readonly Logged[]>): boolean {
    return [...inLog].every(([topic, stored]) => {
      const got = new Set((this.#seen.get(topic) ?? []).map(({ payload }) => payload));
      return stored.every(({ payload }) => got.has(payload));
    });
  }

  /** What came more than once without being marked as coming again. */
  twice(topic: string): string[] {
    const got = new Set<string>();
    return (this.#seen.get(topic) ?? []).flatMap(({ payload, dup }) => {
      const again = got.has(payload) && !dup;
      got.add(payload);
      return again ? [payload] : [];
    });
  }

  /** What came for the first time after something that was sent later. */
  disorder(topic: string): string[] {
    let highest = -1;
    const got = new Set<string>();
    return (this.#seen.get(topic) ?? []).flatMap(({ payload }) => {
      const late = !got.has(payload) && Number(payload) < highest;
      got.add(payload);
      highest = Math.max(highest, Number(payload));
      return late ? [payload] : [];
    });
  }

  async #run(first: RawClient): Promise<void> {
    let client = first;
    while (this.#running) {
      try {
        const message = await client.expect("publish", 500);
        const list = this.#seen.get(message.topic) ?? [];
        list.push(message);
        this.#seen.set(message.topic, list);
        if (message.qos === 1) client.send(client.p.puback(message.id));
        if (message.qos === 2) {
          client.send(client.p.pubrec(message.id));
          await client.pick("pubrel");
          client.send(client.p.pubcomp(message.id));
        }
      } catch {
        if (!client.open && this.#running) client = await this.connect().catch(() => client);
      }
    }
    client.drop();
  }
}
