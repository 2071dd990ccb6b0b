import { setTimeout as sleep } from "node:timers/promises";
import type { Credential } from "../suite.js";
import { type Packets, packetsOf } from "../wire/packets.js";
import { property } from "../wire/properties.js";
import { RawClient } from "../wire/raw-client.js";

/** Milliseconds between two attempts to connect. */
const RETRY_MS = 100;

/**
 * A device that publishes numbered messages one after the other, keeps a ledger, and resends as the protocol asks:
 * what has no answer goes out again over the next connection, with DUP and the same identifier.
 */
export class Publisher {
  /** Numbers by their fate. */
  readonly sent = new Set<number>();
  readonly acknowledged = new Set<number>();
  readonly repeated = new Set<number>();
  readonly wrong: string[] = [];
  /** Milliseconds that it rests between two messages. */
  restMs = 0;
  readonly p: Packets = packetsOf(5);
  #client: RawClient | undefined;
  #stopping = false;
  #loop: Promise<void> | undefined;
  #next = 0;

  constructor(
    readonly topic: string,
    private readonly qos: 1 | 2,
    private readonly login: Credential,
    /** Where it connects, at its nth attempt. */
    private readonly door: (attempt: number) => string,
  ) {}

  start(): void {
    this.#loop = this.#run();
  }

  /** After the message under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop;
    this.#client?.drop();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      await this.#deliver(this.#next++);
      if (this.restMs > 0) await sleep(this.restMs);
    }
  }

  async #deliver(n: number): Promise<void> {
    const id = 1 + (n % 60_000);
    let received = false;
    this.sent.add(n);
    for (let attempt = 0; ; attempt++) {
      try {
        const client = await this.#connection();
        if (!received) {
          const dup = attempt > 0;
          if (dup) this.repeated.add(n);
          client.send(this.p.publish({ topic: this.topic, payload: `${n}`, qos: this.qos, id, dup }));
          const answer = await this.#answer(client, this.qos === 1 ? "puback" : "pubrec", id);
          if (answer >= 0x80) {
            // Refused for the moment: it is a message that has not been sent.
            if (answer !== 0x97 && answer !== 0x88 && answer !== 0x80 && answer !== 0x83) {
              this.wrong.push(`${this.topic} ${n}: reason ${answer}`);
            }
            await sleep(RETRY_MS);
            continue;
          }
          if (this.qos === 1) {
            this.acknowledged.add(n);
            return;
          }
          received = true;
        }
        client.send(this.p.pubrel(id));
        await this.#answer(client, "pubcomp", id);
        this.acknowledged.add(n);
        return;
      } catch {
        this.#client?.drop();
        this.#client = undefined;
      }
    }
  }

  async #answer(client: RawClient, type: "puback" | "pubrec" | "pubcomp", id: number): Promise<number> {
    for (;;) {
      const packet = await client.next(10_000);
      if (packet.type === type && packet.id === id) return packet.code;
      if (packet.type === "disconnect") throw new Error("the server disconnects");
    }
  }

  async #connection(): Promise<RawClient> {
    for (let attempt = 0; !this.#client?.open; attempt++) {
      if (attempt > 0) await sleep(RETRY_MS);
      const client = await this.#dial(attempt).catch(() => undefined);
      if (client) this.#client = client;
    }
    return this.#client;
  }

  async #dial(attempt: number): Promise<RawClient | undefined> {
    const { hostname: host, port } = new URL(this.door(attempt));
    const client = await RawClient.dial({ host, port: Number(port) }, 5);
    client.send(
      this.p.connect({
        ...this.login,
        clientId: `publisher-${this.topic.replaceAll("/", "-")}`,
        clean: false,
        properties: [property("sessionExpiry", 3_600)],
      }),
    );
    const { code } = await client.expect("connack");
    if (code === 0) return client;
    client.drop();
    return undefined;
  }
}
