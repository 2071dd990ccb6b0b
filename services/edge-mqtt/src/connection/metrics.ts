import type { RefusalReason } from "@fieldlog/admission";
import { counter, gauge, type Registry } from "@fieldlog/runtime";
import { packetNames, type Version } from "../codec/packet-type.js";
import { Reason, reasonWords } from "../codec/reason.js";
import { type Transport, transports } from "../net/wire.js";
import type { Refusal } from "../publish/outcome.js";

export type PublishResult = "stored" | "refused" | "unavailable";

const reasonOfRefusal: Readonly<Record<Refusal, RefusalReason>> = {
  "not-authorized": "forbidden",
  "topic-name-invalid": "malformed",
  "payload-format-invalid": "malformed",
  "quota-exceeded": "too-many",
  "packet-too-large": "too-large",
};

/** Of what connections end with, what is a refusal and not told of a publish already. */
const reasonOfEnd: ReadonlyMap<string, RefusalReason> = new Map(
  (
    [
      [Reason.malformedPacket, "malformed"],
      [Reason.protocolError, "malformed"],
      [Reason.unsupportedVersion, "malformed"],
      [Reason.clientIdNotValid, "malformed"],
      [Reason.badUserNameOrPassword, "unauthenticated"],
      [Reason.badAuthenticationMethod, "unauthenticated"],
      [Reason.notAuthorized, "forbidden"],
      [Reason.quotaExceeded, "too-many"],
      [Reason.connectionRateExceeded, "too-many"],
      [Reason.packetTooLarge, "too-large"],
      [Reason.serverUnavailable, "unavailable"],
      [Reason.unspecified, "failed"],
    ] as const
  ).map(([code, reason]) => [reasonWords(code), reason]),
);

const publishResults: readonly PublishResult[] = ["stored", "refused", "unavailable"];

/** Counts what the door does in plain numbers; the metrics library reads them only when it is asked. */
export class MqttMetrics {
  /** By packet type. */
  readonly packetsIn = new Array<number>(16).fill(0);
  readonly packetsOut = new Array<number>(16).fill(0);
  private readonly publishes = [0, 1, 2].map(() => [0, 0, 0]);
  private readonly refusals = new Map<string, number>();
  private readonly connects = new Map<string, number>();
  private readonly disconnects = new Map<string, number>();
  /** All that there can be, from the start: an autoscaler cannot read what is not told. */
  private readonly connections = new Map(
    transports.flatMap((transport) => ([4, 5] as const).map((version) => [kind(transport, version), 0])),
  );
  private slowDowns = 0;

  constructor(registry: Registry) {
    const packets = { labelNames: ["type"] } as const;
    const typed = (counts: readonly number[]) =>
      counts.flatMap((count, type) =>
        count > 0 ? [[{ type: packetNames[type] ?? "" }, count] as const] : [],
      );
    count(registry, "packets_received_total", "MQTT packets received, by type.", packets.labelNames, () =>
      typed(this.packetsIn),
    );
    count(registry, "packets_sent_total", "MQTT packets sent, by type.", packets.labelNames, () =>
      typed(this.packetsOut),
    );
    const labels = ["qos", "outcome"] as const;
    count(registry, "publishes_total", "Publishes of clients, by QoS and outcome.", labels, () =>
      this.publishes.flatMap((counts, qos) =>
        counts.map((n, i) => [{ qos: String(qos), outcome: publishResults[i] ?? "" }, n] as const),
      ),
    );
    const named = (label: string, counts: ReadonlyMap<string, number>) => () =>
      [...counts].map(([name, n]) => [{ [label]: name }, n] as const);
    count(
      registry,
      "refusals_total",
      "Publishes refused, by reason.",
      ["reason"],
      named("reason", this.refusals),
    );
    count(registry, "connects_total", "CONNECT, by outcome.", ["outcome"], named("outcome", this.connects));
    count(
      registry,
      "disconnects_total",
      "Ends of accepted connections, by reason.",
      ["reason"],
      named("reason", this.disconnects),
    );
    count(
      registry,
      "slowed_total",
      "Times that a connection was not read from because its credential had sent too much in a second.",
      [],
      () => [[{}, this.slowDowns] as const],
    );
    const { connections } = this;
    gauge(registry, {
      name: "fieldlog_mqtt_connections",
      help: "Connections whose CONNECT was accepted, by transport and protocol version.",
      labelNames: ["transport", "version"],
      collect() {
        this.reset();
        for (const [key, n] of connections) {
          const [transport = "", version = ""] = key.split(" ");
          this.set({ transport, version }, n);
        }
      },
    });
  }

  /** What was refused, in the words of all doors: publishes, and connections that were not let in or ended. */
  *refused(): Generator<[RefusalReason, number]> {
    for (const [reason, n] of this.refusals) yield [reasonOfRefusal[reason as Refusal], n];
    for (const counts of this.publishes) yield ["unavailable", counts[2] ?? 0];
    for (const ends of [this.connects, this.disconnects]) {
      for (const [words, n] of ends) {
        const reason = reasonOfEnd.get(words);
        if (reason !== undefined) yield [reason, n];
      }
    }
  }

  slowed(): void {
    this.slowDowns++;
  }

  publish(qos: 0 | 1 | 2, result: PublishResult): void {
    const counts = this.publishes[qos] as number[];
    const index = result === "stored" ? 0 : result === "refused" ? 1 : 2;
    counts[index] = (counts[index] as number) + 1;
  }

  refusal(reason: string): void {
    add(this.refusals, reason, 1);
  }

  connect(outcome: string): void {
    add(this.connects, outcome, 1);
  }

  disconnect(reason: string): void {
    add(this.disconnects, reason, 1);
  }

  opened(transport: Transport, version: Version): void {
    add(this.connections, kind(transport, version), 1);
  }

  closed(transport: Transport, version: Version): void {
    add(this.connections, kind(transport, version), -1);
  }

  received(type: number): void {
    this.packetsIn[type] = (this.packetsIn[type] as number) + 1;
  }

  sent(type: number): void {
    this.packetsOut[type] = (this.packetsOut[type] as number) + 1;
  }
}

function kind(transport: Transport, version: Version): string {
  return `${transport} ${version === 5 ? "5" : "3.1.1"}`;
}

function add(counts: Map<string, number>, name: string, n: number): void {
  counts.set(name, (counts.get(name) ?? 0) + n);
}

function count<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
  read: () => readonly (readonly [Partial<Record<L, string>>, number])[],
): void {
  counter(registry, {
    name: `fieldlog_mqtt_${name}`,
    help,
    labelNames: [...labelNames],
    collect() {
      for (const [labels, n] of read()) this.inc(labels, n);
    },
  });
}
