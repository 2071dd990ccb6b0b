import { setTimeout as sleep } from "node:timers/promises";

/** Where people and devices reach an installation. */
export interface Door {
  readonly name: string;
  /** Its base URL, without a slash at its end. */
  readonly url: string;
}

/** The doors that are open now. */
export type Doors = Set<Door>;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what another version of the API answers
  readonly json: any;
}

/** Milliseconds that one call, and all tries of one, may take. */
const CALL_MS = 30_000;
const TRIES_MS = 120_000;

export class Caller {
  constructor(
    private readonly key: string,
    private readonly doors: Doors,
  ) {}

  /** Raises what fetch raises. */
  async at({ url }: Door, method: string, path: string, body?: object): Promise<Answer> {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(CALL_MS),
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
  }

  /** As a device does: asks one door after the other, beginning with the nth, until one says yes. */
  async anywhere(n: number, method: string, path: string, body?: object): Promise<Answer> {
    const deadline = Date.now() + TRIES_MS;
    for (let i = n; ; i++) {
      const open = [...this.doors];
      const door = open[i % open.length];
      const answer = door && (await this.at(door, method, path, body).catch(() => undefined));
      if (answer !== undefined && answer.status < 300) return answer;
      if (Date.now() > deadline) {
        throw new Error(
          `no door takes ${method} ${path}: ${door?.name} says ${answer?.status} ${JSON.stringify(answer?.json)}`,
        );
      }
      await sleep(50);
    }
  }
}

export const EVENTS = "namespaces/default/events";

/** Sends events one after the other, each until it is acknowledged; several at once. */
export class Load {
  /** Numbers of those that were acknowledged. */
  readonly acknowledged = new Set<number>();
  /** What a read failed with that had to succeed. */
  readonly failedReads: string[] = [];
  private sending = true;
  private sent = 0;
  private readonly running: Promise<unknown>;

  constructor(
    private readonly caller: Caller,
    private readonly doors: Doors,
  ) {
    const senders = Array.from({ length: 4 }, () => this.send());
    this.running = Promise.all([...senders, this.read()]);
    // It is told by stop(), however long before that it was.
    this.running.catch(() => undefined);
  }

  /** Ends, and raises what made it fail. */
  async stop(): Promise<void> {
    this.sending = false;
    await this.running;
  }

  private async send(): Promise<void> {
    while (this.sending) {
      const n = ++this.sent;
      // The id makes a resend the same event.
      await this.caller.anywhere(n, "POST", EVENTS, { name: "Upgrade", id: `upgrade-${n}`, data: n });
      this.acknowledged.add(n);
    }
  }

  /** Tables are read at every open door all the time: also while they are built anew. */
  private async read(): Promise<void> {
    while (this.sending) {
      for (const door of [...this.doors]) {
        const failed = await this.caller.at(door, "GET", `${EVENTS}?limit=1`).then(
          ({ status, json }) => (status === 200 ? undefined : `${status} ${JSON.stringify(json)}`),
          (error: Error) => error.message,
        );
        if (failed !== undefined && this.doors.has(door)) this.failedReads.push(`${door.name}: ${failed}`);
      }
      await sleep(100);
    }
  }
}
