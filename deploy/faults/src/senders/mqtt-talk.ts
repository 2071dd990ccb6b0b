import { setTimeout as sleep } from "node:timers/promises";
import { connect, ErrorWithReasonCode, type IClientOptions, type MqttClient } from "mqtt";
import type { Ledger } from "../ledger/ledger.js";
import { between, type Chance } from "../schedule/chance.js";
import type { Ways } from "../system/doors.js";

/** Publishes under way at once: what was cut off is sent again in its order. */
const WINDOW = 4;
/** ms after which a talk that is to stop gives up what is not acknowledged. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 20;
/** A reason code of PUBCOMP. */
const UNKNOWN_IDENTIFIER = 0x92;
/** What MQTT.js says of a publish with QoS 1 or 2 that it drops from its own queue. */
const NEVER_SENT = "Connection closed";

export interface MqttTalkOptions {
  readonly ledger: Ledger;
  readonly ways: Ways;
  readonly chance: Chance;
  readonly paceMs: number;
  readonly qos: 1 | 2;
  readonly login: { readonly username: string; readonly password: string; readonly clientId: string };
  readonly protocolVersion: 4 | 5;
  /** Under MQTT 5: each publish carries an identity, so that a resend counts once. */
  readonly identified: boolean;
  /** The nth publish; `aheadMs`: by how much the device's clock is wrong. */
  readonly say: (n: number, aheadMs: number) => { topic: string; payload: string; digest: string };
}

/** How servers are named to the client, which goes on to the next one when it is cut off. */
export function serversOf(ways: Ways): NonNullable<IClientOptions["servers"]> {
  return ways.urls.map((url) => ({ host: "127.0.0.1", port: Number(new URL(url).port), protocol: "mqtt" }));
}

/** A client that comes back, whatever the door says. */
export const PERSISTENT = {
  ...{ clean: false, reconnectPeriod: 200, connectTimeout: 10_000, keepalive: 5 },
  ...{ reconnectOnConnackError: true, resubscribe: true },
} satisfies IClientOptions;

/** One device on a connection with a session that lasts; its publishes stay in order. */
export class MqttTalk {
  aheadMs = 0;
  private client: MqttClient | undefined;
  /** What was published and is not acknowledged, by number. */
  private readonly underWay = new Map<number, { payload: string; sends: number }>();
  private stopping = false;
  private ended = false;
  private talking: Promise<void> = Promise.resolve();

  constructor(private readonly o: MqttTalkOptions) {}

  get ledger(): Ledger {
    return this.o.ledger;
  }

  start(): void {
    const { login, protocolVersion, ways } = this.o;
    const lasting = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {};
    const client = connect({
      ...PERSISTENT,
      ...lasting,
      ...login,
      protocolVersion,
      servers: serversOf(ways),
    });
    client.on("error", () => undefined);
    client.on("packetsend", (packet) => {
      if (packet.cmd === "publish") this.sent(packet.payload.toString());
    });
    this.client = client;
    this.talking = this.talk(client).catch((error: Error) => {
      this.ledger.wrong.push(`it fell silent: ${error.message}`);
    });
  }

  /** Resolves when what is under way is acknowledged, or given up. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.talking;
    const deadline = Date.now() + PATIENCE_MS;
    while (this.underWay.size > 0 && Date.now() < deadline) await sleep(LOOK_MS);
    this.ended = true;
    await this.client?.endAsync(true);
  }

  private async talk(client: MqttClient): Promise<void> {
    const { chance, paceMs } = this.o;
    while (!this.stopping) {
      if (this.underWay.size < WINDOW) this.publish(client, this.ledger.next);
      await sleep(between(chance, 0.5, 1.5) * paceMs);
    }
  }

  private publish(client: MqttClient, n: number): void {
    const { topic, payload, digest } = this.o.say(n, this.aheadMs);
    this.ledger.sending(n, digest);
    this.underWay.set(n, { payload, sends: 0 });
    this.hand(client, n, topic, payload);
  }

  private hand(client: MqttClient, n: number, topic: string, payload: string): void {
    const { qos, identified } = this.o;
    const properties = identified ? { properties: { userProperties: { "fieldlog-id": `${n}` } } } : {};
    client.publish(topic, payload, { qos, ...properties }, (error) => {
      // It was never sent: the client gives back what it was handed while it sent older ones again, and was cut off.
      // All of these come in one go, in their order, and go in again before there is anything new.
      if (error?.message === NEVER_SENT) queueMicrotask(() => this.hand(client, n, topic, payload));
      else this.over(n, error);
    });
  }

  private over(n: number, error: Error | undefined): void {
    this.underWay.delete(n);
    if (!error || isOver(error)) this.ledger.acknowledge(n);
    else if (!this.ended) this.ledger.wrong.push(`number ${n}: ${error.message}`);
  }

  /** The client sends again by itself what it has no acknowledgement of. */
  private sent(payload: string): void {
    for (const [n, one] of this.underWay) {
      if (one.payload !== payload) continue;
      if (one.sends > 0) this.ledger.sending(n, "");
      one.sends++;
    }
  }
}

/**
 * PUBCOMP says that the packet identifier is not known: the PUBREL before it had come, its answer had not. That is no
 * error after a reconnect (MQTT 5, 3.7.2.1); the PUBREC had come.
 */
const isOver = (error: Error) => error instanceof ErrorWithReasonCode && error.code === UNKNOWN_IDENTIFIER;
