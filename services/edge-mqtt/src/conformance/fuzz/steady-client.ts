import { setTimeout as sleep } from "node:timers/promises";
import { packetsOf } from "../wire/packets.js";
import { RawClient } from "../wire/raw-client.js";

const PAUSE_MS = 20;

/** A well-behaved client that publishes to itself with QoS 1 all the time, and notes how long each message took. */
export class SteadyClient {
  /** Milliseconds from PUBLISH until both PUBACK and the message itself had come. */
  slowestMs = 0;
  rounds = 0;
  failure: unknown;
  #running = true;
  #loop: Promise<void> | undefined;

  private constructor(
    private readonly client: RawClient,
    private readonly topic: string,
  ) {}

  static async start(
    to: { host: string; port: number },
    login: { username: string; password: string },
  ): Promise<SteadyClient> {
    const client = await RawClient.dial(to, 4);
    client.send(packetsOf(4).connect({ clientId: "steady", ...login }));
    const { code } = await client.expect("connack");
    if (code !== 0) throw new Error(`refused: ${code}`);
    const steady = new SteadyClient(client, "steady/round");
    await client.subscribe({ filter: steady.topic, qos: 1 });
    steady.#loop = steady.#run();
    return steady;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    this.client.drop();
  }

  async #run(): Promise<void> {
    try {
      while (this.#running) {
        const began = performance.now();
        const payload = `${this.rounds}`;
        await this.client.publish({ topic: this.topic, payload, qos: 1, id: 1 + (this.rounds % 1000) });
        const message = await this.client.message();
        if (message.payload !== payload) throw new Error(`${message.payload} instead of ${payload}`);
        this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
        this.rounds += 1;
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      this.failure = error;
    }
  }
}
