import { connect, type TLSSocket } from "node:tls";
import { type InboundPublish, PacketReader, ProtocolError, type ServerPacket } from "./reader.js";
import {
  DISCONNECT,
  encodeConnect,
  encodePuback,
  encodePublish,
  encodeSubscribe,
  encodeUnsubscribe,
  PINGREQ,
  type PublishPacket,
} from "./writer.js";

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca: string | undefined;
  readonly clientId: string;
  readonly userName: string;
  readonly password: string;
  readonly keepAliveS: number;
  readonly timeoutMs: number;
}

/** What is done with what arrives. None of these may throw. */
export interface Handlers {
  publish(packet: InboundPublish): void;
  puback(packetId: number, code: number, reason: string): void;
}

/** The server would not have this client: its reason code (MQTT 5, section 3.2.2.2). */
export class ConnectRefused extends Error {
  override readonly name = "ConnectRefused";

  constructor(readonly code: number) {
    super(`the server refused the connection with 0x${code.toString(16)}`);
  }
}

const SESSION_EXPIRY_S = 30 * 86_400;
const RECEIVE_MAXIMUM = 64;
const MAXIMUM_PACKET_SIZE = 2 * 1024 * 1024;
/** What a server takes that does not say it (section 3.2.2.3.3). */
const DEFAULT_RECEIVE_MAXIMUM = 65_535;

type Answer = Extract<ServerPacket, { type: "suback" | "unsuback" }>;

/** A connection to an MQTT 5 server over TLS. What is written in one turn of the event loop leaves together. */
export class MqttConnection {
  /** Resolves, with the reason, when the connection is no more. */
  readonly closed: Promise<Error>;
  receiveMaximum = DEFAULT_RECEIVE_MAXIMUM;
  sessionPresent = false;

  private readonly reader = new PacketReader(MAXIMUM_PACKET_SIZE);
  private readonly answers = new Map<number, (answer: Answer) => void>();
  private output: Buffer[] = [];
  private outputScheduled = false;
  private greeted: ((packet: ServerPacket) => void) | undefined;
  private end: (reason: Error) => void = () => {};
  private pinged = false;
  private pinger: NodeJS.Timeout | undefined;
  private lastAnswerId = 0;

  private constructor(
    private readonly socket: TLSSocket,
    private readonly handlers: Handlers,
  ) {
    this.closed = new Promise((resolve) => {
      this.end = resolve;
    });
    void this.closed.then(() => {
      clearInterval(this.pinger);
      socket.destroy();
    });
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.receive(chunk));
    socket.on("error", (error) => this.end(error));
    socket.on("close", () => this.end(new Error("the connection was closed")));
  }

  /** Raises ConnectRefused, and whatever sockets raise. */
  static async open(
    options: ConnectOptions,
    handlers: Handlers,
    signal: AbortSignal,
  ): Promise<MqttConnection> {
    signal.throwIfAborted();
    const { host, port, ca } = options;
    const socket = connect({
      host,
      port,
      servername: isName(host) ? host : "",
      ...(ca !== undefined && { ca }),
    });
    const connection = new MqttConnection(socket, handlers);
    const abort = () => connection.end(new Error("the client stops"));
    signal.addEventListener("abort", abort);
    const timer = setTimeout(
      () => connection.end(new Error("the server does not answer")),
      options.timeoutMs,
    );
    try {
      await connection.greet(options);
      return connection;
    } catch (error) {
      connection.end(error as Error);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Bytes that the socket has not taken yet. */
  get writableLength(): number {
    return this.socket.writableLength;
  }

  publish(packet: PublishPacket): void {
    this.write(encodePublish(packet));
  }

  acknowledge(packetId: number): void {
    this.write(encodePuback(packetId));
  }

  /** Resolves with the server's codes, one for each filter: 0x80 and above means refused. */
  async subscribe(filters: readonly string[]): Promise<readonly number[]> {
    const answer = await this.ask((packetId) => encodeSubscribe(packetId, filters));
    return answer.type === "suback" ? answer.codes : [];
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.ask((packetId) => encodeUnsubscribe(packetId, filters));
  }

  /** Says goodbye; what was written before leaves first. */
  async disconnect(): Promise<void> {
    this.write(DISCONNECT);
    this.flush();
    this.socket.end();
    await this.closed;
  }

  /** Ends it at once. */
  destroy(reason: Error): void {
    this.end(reason);
  }

  private async greet(options: ConnectOptions): Promise<void> {
    const answered = new Promise<ServerPacket>((resolve) => {
      this.greeted = resolve;
    });
    const { clientId, userName, password, keepAliveS } = options;
    this.write(
      encodeConnect({
        ...{ clientId, userName, password, keepAliveS, sessionExpiryS: SESSION_EXPIRY_S },
        ...{ receiveMaximum: RECEIVE_MAXIMUM, maximumPacketSize: MAXIMUM_PACKET_SIZE },
      }),
    );
    const packet = await Promise.race([answered, this.closed]);
    if (packet instanceof Error) throw packet;
    if (packet.type !== "connack") throw new ProtocolError("the first packet is no CONNACK");
    if (packet.code >= 0x80 || packet.code !== 0) throw new ConnectRefused(packet.code);
    this.sessionPresent = packet.sessionPresent;
    this.receiveMaximum = packet.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM;
    const intervalS = Math.max(1, (packet.serverKeepAliveS ?? keepAliveS) / 2);
    this.pinger = setInterval(() => this.ping(), intervalS * 1_000);
    this.pinger.unref();
  }

  private async ask(encode: (packetId: number) => Buffer): Promise<Answer> {
    // Above those of publishes.
    this.lastAnswerId = (this.lastAnswerId % 1_000) + 1;
    const packetId = 64_000 + this.lastAnswerId;
    const answer = new Promise<Answer>((resolve) => this.answers.set(packetId, resolve));
    this.write(encode(packetId));
    const first = await Promise.race([answer, this.closed]);
    if (first instanceof Error) throw first;
    return first;
  }

  /** One unanswered ping is enough: the line is dead. */
  private ping(): void {
    if (this.pinged) this.end(new Error("the server is silent"));
    this.pinged = true;
    this.write(PINGREQ);
  }

  private receive(chunk: Buffer): void {
    this.pinged = false;
    try {
      for (const packet of this.reader.push(chunk)) this.take(packet);
    } catch (error) {
      this.end(error as Error);
    }
  }

  private take(packet: ServerPacket): void {
    if (this.greeted !== undefined) {
      this.greeted(packet);
      this.greeted = undefined;
      return;
    }
    switch (packet.type) {
      case "publish":
        this.handlers.publish(packet);
        return;
      case "puback":
        this.handlers.puback(packet.packetId, packet.code, packet.reason);
        return;
      case "suback":
      case "unsuback":
        this.answers.get(packet.packetId)?.(packet);
        this.answers.delete(packet.packetId);
        return;
      case "disconnect":
        this.end(new Error(`the server ended it with 0x${packet.code.toString(16)} ${packet.reason}`.trim()));
        return;
      case "pingresp":
        return;
      default:
        throw new ProtocolError(`a ${packet.type} is not expected`);
    }
  }

  private write(bytes: Buffer): void {
    this.output.push(bytes);
    if (this.outputScheduled) return;
    this.outputScheduled = true;
    process.nextTick(() => this.flush());
  }

  private flush(): void {
    this.outputScheduled = false;
    if (this.output.length === 0 || this.socket.destroyed) return;
    const [first] = this.output;
    this.socket.write(this.output.length === 1 && first ? first : Buffer.concat(this.output));
    this.output = [];
  }
}

/** Addresses are no names that TLS may be told (RFC 6066, section 3). */
function isName(host: string): boolean {
  return /[a-z]/i.test(host) && !host.includes(":");
}
