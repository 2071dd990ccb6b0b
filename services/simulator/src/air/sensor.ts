import type { Chance } from "@fieldlog/chance";
import { connect, type MqttClient } from "mqtt";
import type { Weather } from "./normals.js";
import {
  acknowledgment,
  configuration,
  type Generation,
  INTERVAL_S,
  intervalOf,
  logEntry,
  type Message,
  measurement,
} from "./payloads.js";
import { reading, type Site } from "./sites.js";
import type { Identity } from "./state.js";

/** Messages that a sensor keeps while the server does not acknowledge; beyond it the newest are dropped. */
const OUTBOX = 1_000;
/** Seconds for which the server keeps what is for a sensor that is away. */
const SESSION_S = 86_400;
const RECONNECT_MS = 1_000;
/** Below it a sensor says that its battery suffers. */
const FROST_C = 0;

export interface SensorOptions {
  readonly site: Site;
  readonly identity: Identity;
  readonly generation: Generation;
  /** Of the MQTT door, such as `mqtt://127.0.0.1:1883`. */
  readonly mqttUrl: string;
  readonly random: Chance;
  readonly report: Report;
}

/** Told of what becomes of a sensor's messages, and of its connection. */
export interface Report {
  /** `ms`: from its being handed over until it was acknowledged. */
  acknowledged(ms: number): void;
  refused(reason: string): void;
  dropped(): void;
  configured(success: boolean): void;
  /** Its connection was lost, or could not be made. */
  away(reason: string): void;
}

/**
 * One simulated sensor: a session that outlives its connection, measurements and log messages with QoS 1, and
 * configurations, which it tries and acknowledges. While the server is away it keeps what it has to say.
 */
export class Sensor {
  readonly #client: MqttClient;
  #revision = -1;
  #intervalS: number = INTERVAL_S.default;
  #unacknowledged = 0;
  #last: Weather | undefined;
  #frosty = false;
  #started = false;
  #awaySince: number | undefined;

  constructor(private readonly o: SensorOptions) {
    const { id, secret } = o.identity;
    this.#client = connect(o.mqttUrl, {
      protocolVersion: 5,
      clientId: id,
      username: id,
      password: secret,
      clean: false,
      properties: { sessionExpiryInterval: SESSION_S },
      keepalive: 30,
      reconnectPeriod: RECONNECT_MS,
      reconnectOnConnackError: true,
      connectTimeout: 10_000,
      resubscribe: true,
    });
    this.#client.on("connect", () => this.#connected());
    this.#client.on("close", () => {
      this.#awaySince ??= Date.now();
    });
    this.#client.on("message", (_topic, payload) => this.#configure(payload));
    this.#client.on("error", (error) =>
      o.report.away(error.message || (error as { code?: string }).code || "?"),
    );
    this.#client.subscribe(`configurations/${id}`, { qos: 1 }, (error) => {
      if (error) o.report.refused(error.message);
    });
  }

  get site(): Site {
    return this.o.site;
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** Replayed seconds between two measurements. */
  get intervalS(): number {
    return this.#intervalS;
  }

  /** What it measured last. */
  get last(): Weather | undefined {
    return this.#last;
  }

  /** Measures now, and says what there is to be said about it. */
  measure(weather: Weather, now: number): void {
    const { site, random, generation, identity } = this.o;
    const value = reading(site, weather, random);
    this.#last = value;
    this.#send(
      measurement(generation, identity.id, { timestamp: now / 1000, value, revision: this.#known() }),
    );
    const frosty = value.temperature < FROST_C;
    if (frosty !== this.#frosty) {
      this.#frosty = frosty;
      const details = `${value.temperature.toFixed(1)} °C`;
      if (frosty) this.#log("warning", "it freezes; the battery will not last as long", details);
      else this.#log("info", "no frost any more", details);
    }
  }

  /** Hands over what is under way, as far as the server takes it within the time, and disconnects. */
  async close(withinMs: number): Promise<void> {
    const until = Date.now() + withinMs;
    while (this.connected && this.#unacknowledged > 0 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.#client.endAsync(true).catch(() => undefined);
  }

  #connected(): void {
    const awayS = this.#awaySince === undefined ? 0 : Math.round((Date.now() - this.#awaySince) / 1000);
    this.#awaySince = undefined;
    if (!this.#started) this.#log("info", "started", `at ${this.o.site.altitude} m above the sea`);
    else if (awayS >= 1) this.#log("warning", "the server was away", `for ${awayS} s`);
    this.#started = true;
  }

  /** A revision counts once, and only if it is newer than the one in force (reference A2). */
  #configure(payload: Uint8Array): void {
    const read = configuration(payload);
    if (!read || read.revision <= this.#revision) return;
    const intervalS = intervalOf(read.configuration);
    const success = intervalS !== undefined;
    this.#revision = read.revision;
    if (success) this.#intervalS = intervalS;
    else this.#log("error", `revision ${read.revision} cannot be used`, "interval_s is out of its bounds");
    const { identity, generation, report } = this.o;
    const element = { timestamp: Date.now() / 1000, revision: read.revision, success };
    this.#send(acknowledgment(generation, identity.id, element));
    report.configured(success);
  }

  #log(severity: "info" | "warning" | "error", subject: string, details: string): void {
    const { generation, identity } = this.o;
    const entry = { timestamp: Date.now() / 1000, severity, revision: this.#known(), subject, details };
    this.#send(logEntry(generation, identity.id, entry));
  }

  #known(): number | undefined {
    return this.#revision < 0 ? undefined : this.#revision;
  }

  #send({ topic, payload }: Message): void {
    const { report } = this.o;
    if (this.#unacknowledged >= OUTBOX) {
      report.dropped();
      return;
    }
    const sentAt = performance.now();
    this.#unacknowledged++;
    this.#client.publish(topic, payload, { qos: 1 }, (error) => {
      this.#unacknowledged--;
      if (error) report.refused(error.message);
      else report.acknowledged(performance.now() - sentAt);
    });
  }
}
