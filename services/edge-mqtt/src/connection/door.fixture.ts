import { createConnection, type Socket } from "node:net";
import { createLogger, createMetrics, type Registry, ServerCertificate } from "@fieldlog/runtime";
import { generate, type Packet, parser } from "mqtt-packet";
import type { Principal } from "../access/principal.js";
import { Listeners, type MqttAddresses } from "../net/listeners.js";
import { Flusher } from "../net/output.js";
import { Wheel } from "../net/wheel.js";
import type { InboundPublish } from "../publish/inbound.js";
import type { PublishOutcome } from "../publish/outcome.js";
import type { OpenSession, Session, SubscribeRequest } from "../sessions/types.js";
import { Connection } from "./connection.js";
import { Connections } from "./connections.js";
import { MqttMetrics } from "./metrics.js";

type Outcome = PublishOutcome | Promise<PublishOutcome>;

/** A session in memory, that notes what the connection asks of it. */
class MemorySession implements Session {
  readonly calls: string[] = [];
  readonly subscribed: SubscribeRequest[] = [];
  closedWith: { publishWill: boolean; expiryS?: number } | undefined;
  /** What recording a message with QoS 2 waits for, by packet id; a rejection is that it cannot be. */
  readonly recording = new Map<number, Promise<void>>();
  private readonly qos2 = new Map<number, string>();

  constructor(readonly options: OpenSession) {}

  start(): void {
    this.calls.push("start");
  }
  async subscribe(requests: readonly SubscribeRequest[]): Promise<void> {
    await new Promise(setImmediate);
    this.subscribed.push(...requests);
  }
  deliverRetained(): void {
    this.calls.push("deliverRetained");
  }
  async unsubscribe(filters: readonly string[]): Promise<readonly boolean[]> {
    return filters.map((filter) => this.subscribed.some((one) => one.filter === filter));
  }
  acked(packetId: number): boolean {
    this.calls.push(`acked ${packetId}`);
    return true;
  }
  received(packetId: number, failed: boolean): void {
    this.calls.push(`received ${packetId} ${failed}`);
    if (!failed) this.options.sink.pubrel(packetId);
  }
  completed(packetId: number): boolean {
    this.calls.push(`completed ${packetId}`);
    return true;
  }
  async receiveQos2(packetId: number): Promise<{ identity: string; stored: boolean }> {
    await this.recording.get(packetId);
    const known = this.qos2.get(packetId);
    if (known === undefined) this.qos2.set(packetId, "received");
    return { identity: `identity ${packetId}`, stored: known === "stored" };
  }
  storedQos2(packetId: number): void {
    this.qos2.set(packetId, "stored");
  }
  refusedQos2(packetId: number): void {
    this.qos2.delete(packetId);
  }
  async releaseQos2(packetId: number): Promise<boolean> {
    return this.qos2.delete(packetId);
  }
  writable(): void {
    this.calls.push("writable");
  }
  async close(options: { publishWill: boolean; expiryS?: number }): Promise<void> {
    this.closedWith = options;
  }
}

/** The door on real sockets, before stand-ins for the log, the credentials and the sessions. */
export class TestDoor {
  readonly registry: Registry = createMetrics();
  readonly metrics = new MqttMetrics(this.registry);
  readonly connections = new Connections();
  readonly sessions: MemorySession[] = [];
  readonly published: InboundPublish[] = [];
  readonly errors: unknown[] = [];
  /** Lines of what listeners say. */
  readonly logged: string[] = [];
  addresses!: MqttAddresses;
  /** What becomes of a publish. */
  outcome: (packet: InboundPublish) => Outcome = () => ({ kind: "stored", position: 1 });
  login: () => Promise<Principal | "refused" | "unavailable"> = async () => principal;
  good = true;
  private readonly wheel = new Wheel(() => performance.now());
  private readonly listeners: Listeners;

  constructor(settings: { tlsCert?: string; tlsKey?: string; maximum?: number } = {}) {
    const { wheel, metrics, connections } = this;
    const parts = {
      ...{ wheel, metrics, connections, flusher: new Flusher(), now: Date.now },
      clock: () => performance.now(),
      access: {
        login: () => this.login(),
        maySubscribe: (_: Principal, filter: string) => !filter.startsWith("forbidden"),
        stillGood: async () => this.good,
      },
      publishing: {
        publish: (_: Principal, packet: InboundPublish) => {
          this.published.push({ ...packet, payload: Buffer.from(packet.payload) });
          return this.outcome(packet);
        },
      },
      dialectOf: () => undefined,
      sessions: {
        open: async (options: OpenSession) => {
          const session = new MemorySession(options);
          this.sessions.push(session);
          return { session, present: false };
        },
      },
      logger: { debug: () => undefined, error: (fields: object) => this.errors.push(fields) },
    };
    const ports = { mqttPort: 0, mqttsPort: 0, mqttWsPort: 0, mqttWssPort: 0 };
    const { maximum, tlsCert, tlsKey } = settings;
    const destination = { write: (line: string) => void this.logged.push(line) };
    const logger = createLogger("edge-mqtt", "info", { destination });
    this.listeners = new Listeners(
      { bind: "127.0.0.1", ...ports },
      new ServerCertificate({ settings: { tlsCert, tlsKey }, logger, metrics: this.registry, everyMs: 20 }),
      (wire) => new Connection(wire, parts),
      maximum,
    );
  }

  async start(): Promise<void> {
    this.wheel.start();
    this.addresses = await this.listeners.start();
  }

  async stop(): Promise<void> {
    this.listeners.stop();
    await this.connections.drain();
    this.wheel.stop();
  }

  get port(): number {
    return Number(new URL(this.addresses.mqtt).port);
  }

  client(): Promise<TestClient> {
    return TestClient.connect(this.port);
  }

  /** A client that has connected. */
  async open(version: 4 | 5, more: object = {}): Promise<TestClient> {
    const client = await this.client();
    client.connect(version, more);
    await client.next("connack");
    return client;
  }

  get lastSession(): MemorySession {
    return this.sessions.at(-1) as MemorySession;
  }
}

const budget = { spend: () => 0 };
export const principal = {
  ...{ namespace: "ns", namespaceName: "ns", kind: "device", id: "d1", permission: "device" },
  ...{ budget, proof: { key: "ns/d1" } },
} as unknown as Principal;

/** Talks MQTT packet by packet. */
export class TestClient {
  readonly packets: Packet[] = [];
  closed = false;
  private readonly parser = parser();
  private version: 4 | 5 = 4;
  private wake: (() => void) | undefined;

  private constructor(readonly socket: Socket) {
    this.parser.on("packet", (packet) => {
      this.packets.push(packet);
      this.wake?.();
    });
    socket.on("data", (chunk) => this.parser.parse(chunk, { protocolVersion: this.version }));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      this.wake?.();
    });
  }

  static connect(port: number): Promise<TestClient> {
    return new Promise((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1", noDelay: true }, () =>
        resolve(new TestClient(socket)),
      );
    });
  }

  connect(version: 4 | 5, more: object = {}): void {
    this.version = version;
    // The parser takes the version from its options.
    Object.assign(this.parser, { settings: { protocolVersion: version } });
    const packet = { cmd: "connect", protocolVersion: version, clientId: "c", clean: true, keepalive: 60 };
    this.send({ ...packet, username: "u", password: Buffer.from("p"), ...more } as Packet);
  }

  send(...packets: Packet[]): void {
    this.write(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: this.version }))));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  publish(topic: string, payload: string, qos: 0 | 1 | 2, messageId: number, more: object = {}): void {
    const packet = { cmd: "publish", topic, payload, qos, messageId, dup: false, retain: false, ...more };
    this.send(packet as Packet);
  }

  /** The next packet, which has to be of that type. */
  async next<C extends Packet["cmd"]>(cmd: C): Promise<Extract<Packet, { cmd: C }>> {
    const late = performance.now() + 5_000;
    while (this.packets.length === 0) {
      if (this.closed) throw new Error(`closed while waiting for ${cmd}`);
      if (performance.now() > late) throw new Error(`no ${cmd} in time`);
      await this.something();
    }
    const packet = this.packets.shift() as Packet;
    if (packet.cmd !== cmd) throw new Error(`${packet.cmd} in place of ${cmd}`);
    return packet as Extract<Packet, { cmd: C }>;
  }

  async untilClosed(): Promise<void> {
    const late = performance.now() + 5_000;
    while (!this.closed) {
      if (performance.now() > late) throw new Error("not closed in time");
      await this.something();
    }
  }

  private something(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 100);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
