import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type ConnectFields, type Packets, packetsOf, type Version } from "./wire/packets.js";
import { property } from "./wire/properties.js";
import { RawClient } from "./wire/raw-client.js";

/** A running server, and who may use it. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** May publish and subscribe to any topic. */
  readonly writer: Credential;
  /** May publish on `<prefix>/#` only, and not on other topics. */
  readonly device: Credential & { readonly prefix: string };
  stop(): Promise<void>;
}

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** The clauses that a test shows, without their "MQTT-", for each version in which they stand. */
export interface Clauses {
  readonly v4?: string;
  readonly v5?: string;
}

export type Clause = (clauses: Clauses, title: string, body: (t: Case) => Promise<void>) => void;

/** A part of the specification. */
export type Chapter = (clause: Clause) => void;

/** Where a server is known to do otherwise: by the title of the test, the reason. Such a test may fail. */
export type Differences = Readonly<Record<string, string>>;

export interface ConnectOptions extends ConnectFields {
  /** The session outlives the connection, and one that is there is gone on with. */
  readonly keep?: boolean;
}

const SESSION_S = 300;
/** Milliseconds for a test that may fail. */
const MAY_FAIL_MS = 3_000;
let cases = 0;

/** What one test has to itself: topics, client identifiers, connections. */
export class Case {
  readonly p: Packets;
  readonly #number = ++cases;
  readonly #clients: RawClient[] = [];

  constructor(
    readonly target: Target,
    readonly version: Version,
  ) {
    this.p = packetsOf(version);
  }

  /** A topic that no other test uses. */
  topic(name = "topic"): string {
    return `case${process.pid}x${this.#number}/${name}`;
  }

  clientId(name = "client"): string {
    return `case${process.pid}x${this.#number}${name}`;
  }

  /** The fields of a CONNECT that is accepted, with `o` on top. */
  fields(o: ConnectOptions = {}): ConnectFields {
    const { keep, ...fields } = o;
    const expiry = keep && this.version === 5 ? [property("sessionExpiry", SESSION_S)] : [];
    return {
      clientId: this.clientId(`n${this.#clients.length}`),
      ...this.target.writer,
      clean: !keep,
      ...fields,
      properties: [...expiry, ...(fields.properties ?? [])],
    };
  }

  /** A TCP connection on which nothing was sent yet. */
  async dial(version: Version = this.version): Promise<RawClient> {
    const client = await RawClient.dial(this.target, version);
    this.#clients.push(client);
    return client;
  }

  /** Connected and accepted. */
  async connect(o: ConnectOptions = {}, version: Version = this.version): Promise<RawClient> {
    const client = await this.dial(version);
    client.send(client.p.connect(this.fields(o)));
    client.connack = await client.expect("connack");
    if (client.connack.code !== 0) throw new Error(`refused: ${JSON.stringify(client.connack)}`);
    return client;
  }

  end(): void {
    for (const client of this.#clients) client.drop();
  }
}

/**
 * What every MQTT server must do, as exchanges of bytes over TCP: each chapter's tests, in each version for which
 * they name clauses. `start` is called once.
 */
export function runChapters(
  name: string,
  chapters: Readonly<Record<string, Chapter>>,
  start: () => Promise<Target>,
  differences: Differences = {},
): void {
  describe(name, { concurrent: true, timeout: 120_000 }, () => {
    let target: Target;
    beforeAll(async () => {
      target = await start();
    }, 180_000);
    afterAll(() => target?.stop());

    for (const [heading, chapter] of Object.entries(chapters)) {
      describe(heading, () =>
        chapter((clauses, title, body) => each(clauses, title, body, () => target, differences)),
      );
    }
  });
}

function each(
  clauses: Clauses,
  title: string,
  body: (t: Case) => Promise<void>,
  target: () => Target,
  differences: Differences,
): void {
  for (const [version, name, numbers] of [
    [4, "3.1.1", clauses.v4],
    [5, "5.0", clauses.v5],
  ] as const) {
    if (!numbers) continue;
    const reason = differences[title] ?? differences[`${name}: ${title}`];
    it(`${name}: ${title} [${numbers}]${reason ? ` (may differ: ${reason})` : ""}`, async () => {
      const t = new Case(target(), version);
      try {
        // Nobody learns anything from how long the other server keeps silent.
        await (reason ? Promise.race([body(t), sleep(MAY_FAIL_MS)]) : body(t));
      } catch (error) {
        if (!reason) throw error;
      } finally {
        t.end();
      }
    });
  }
}
