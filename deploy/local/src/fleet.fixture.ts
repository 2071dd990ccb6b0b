import { setTimeout as sleep } from "node:timers/promises";
import { createMessage, csnDate, type Identity, pickMessage, registered } from "@fieldlog/simulator";

/** A message as its sender knows it. */
export interface Sent {
  readonly device: string;
  /** As the log names it: `<message id>/<date of the signature>`. */
  readonly identity: string;
  readonly body: Uint8Array;
}

/** Which of two senders' messages is meant, over all devices. */
export const nameOf = ({ device, identity }: { device: string; identity: string }) => `${device} ${identity}`;

/** A number of CSN devices that send picks over real HTTP, and a ledger of what was acknowledged. */
export class Fleet {
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  /** Sent more than once, since an answer was missing. */
  readonly repeated = new Set<string>();
  /** Answers that no sender should have got. */
  readonly wrong: string[] = [];
  /** Milliseconds that a device rests between two of its messages. */
  restMs = 0;
  private readonly devices: { identity: Identity; next: number }[] = [];
  private sending: Promise<void>[] = [];
  private stopping = false;

  /** @param doors of the edges; a message, and each repetition of it, goes to one of them by chance */
  constructor(
    private readonly doors: readonly string[],
    private readonly random: () => number,
    private readonly namespace = "test",
  ) {}

  async register(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const station = { name: `station ${i}`, latitude: 34, longitude: -118 };
      const answer = await this.post("client/create", createMessage(station));
      const identity = registered(new Uint8Array(await answer.arrayBuffer()));
      if (!identity) throw new Error("the registration was not accepted");
      this.devices.push({ identity, next: 0 });
    }
  }

  /** Each device sends one pick after the other, each until it is acknowledged. */
  start(): void {
    this.stopping = false;
    this.sending = this.devices.map(async (device) => {
      while (!this.stopping) {
        await this.deliver(this.nextPick(device));
        if (this.restMs > 0) await sleep(this.restMs);
      }
    });
  }

  /** Stops after the messages under way. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.sending);
  }

  /** The next pick of the nth device, not sent yet. */
  pick(n: number): Sent {
    const device = this.devices[n];
    if (!device) throw new RangeError(`there is no device ${n}`);
    return this.nextPick(device);
  }

  /** Posts the very same bytes until they are acknowledged. */
  async deliver(message: Sent): Promise<void> {
    const name = nameOf(message);
    this.sent.add(name);
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) this.repeated.add(name);
      const status = await this.attempt(message);
      if (status === 200) {
        this.acknowledged.add(name);
        return;
      }
      if (status !== undefined && status !== 503) {
        this.wrong.push(`${name}: HTTP ${status}`);
        return;
      }
      await sleep(this.restMs + 20 + this.random() * 80);
    }
  }

  /** The HTTP status; undefined: there was no answer. */
  async attempt(message: Sent, door?: string): Promise<number | undefined> {
    try {
      const answer = await this.post(`event/${message.device}`, message.body, door);
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return undefined;
    }
  }

  private nextPick(device: { identity: Identity; next: number }): Sent {
    const messageId = device.next++;
    const sentAt = Date.now();
    const reading = [this.random(), 0, 0];
    const rate = { count: 1, windowS: 600 };
    const body = pickMessage(
      device.identity,
      { sentAt, messageId },
      { time: sentAt - 1_000, reading, rate, latitude: 34, longitude: -118 },
    );
    return { device: device.identity.clientId, identity: `${messageId}/${csnDate(sentAt)}`, body };
  }

  private post(path: string, body: Uint8Array, door?: string): Promise<Response> {
    const url = door ?? this.doors[Math.floor(this.random() * this.doors.length)];
    return fetch(`${url}/api/v1/${this.namespace}/${path}`, {
      method: "POST",
      body: body as Uint8Array<ArrayBuffer>,
      headers: { "content-type": "application/x-protobuf" },
      signal: AbortSignal.timeout(15_000),
    });
  }
}
