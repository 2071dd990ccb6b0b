import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type FilterFields, type Packets, type PublishFields, packetsOf, type Version } from "./packets.js";
import type { Property } from "./properties.js";
import { type Packet, type PacketOf, type PacketType, readPacket } from "./read-packet.js";

/** Milliseconds within which an answer, or the end of the connection, must come. */
const DEADLINE_MS = 30_000;
/** Milliseconds without a packet after which we believe that none will come. */
const QUIET_MS = 250;

/** A TCP connection that sends exact bytes, and reads packets strictly. */
export class RawClient {
  readonly p: Packets;
  /** The CONNACK, once there was one. */
  connack: PacketOf<"connack"> | undefined;
  /** Bytes of the largest packet that came. */
  largest = 0;
  readonly #socket: Socket;
  readonly #packets: Packet[] = [];
  #bytes = Buffer.alloc(0);
  #closed = false;
  #broken: Error | undefined;
  #wake = () => {};
  #nextId = 100;

  private constructor(
    socket: Socket,
    readonly version: Version,
  ) {
    this.p = packetsOf(version);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async dial(to: { host: string; port: number }, version: Version): Promise<RawClient> {
    const socket = connect({ host: to.host, port: to.port });
    const client = new RawClient(socket, version);
    await once(socket, "connect", { signal: AbortSignal.timeout(DEADLINE_MS) });
    return client;
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** All in one write, so that they arrive together. */
  send(...packets: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(packets));
  }

  /** The next packet. Raises an Error when the connection ends or nothing comes in time. */
  async next(withinMs = DEADLINE_MS): Promise<Packet> {
    await this.#until(() => this.#packets.length > 0 || this.#closed, withinMs);
    const packet = this.#packets.shift();
    if (packet) return packet;
    if (this.#broken) throw this.#broken;
    throw new Error(this.#closed ? "the connection ended" : `no packet within ${withinMs} ms`);
  }

  /** The next packet, which must be of this type. */
  async expect<T extends PacketType>(type: T, withinMs?: number): Promise<PacketOf<T>> {
    const packet = await this.next(withinMs);
    if (packet.type !== type) throw new Error(`${type} expected, but: ${JSON.stringify(packet)}`);
    return packet as PacketOf<T>;
  }

  /** The first packet of this type, whatever else came before it, which stays to be read. */
  async pick<T extends PacketType>(type: T): Promise<PacketOf<T>> {
    const at = () => this.#packets.findIndex((packet) => packet.type === type);
    await this.#until(() => at() >= 0 || this.#closed, DEADLINE_MS);
    const index = at();
    if (index < 0) throw new Error(`no ${type}, but: ${JSON.stringify(this.#packets)}`);
    return this.#packets.splice(index, 1)[0] as PacketOf<T>;
  }

  /** The connection ends, and nothing comes before but, perhaps, a packet that says why. Gives that reason. */
  async ended(withinMs = DEADLINE_MS): Promise<number | undefined> {
    await this.#until(() => this.#closed, withinMs);
    if (!this.#closed) throw new Error(`still open after ${withinMs} ms: ${JSON.stringify(this.#packets)}`);
    if (this.#broken) throw this.#broken;
    const [last, ...more] = this.#packets.splice(0);
    if (!last) return undefined;
    const isRefusal = last.type === "disconnect" || (last.type === "connack" && last.code !== 0);
    if (!isRefusal || more.length > 0)
      throw new Error(`before the end came ${JSON.stringify([last, ...more])}`);
    return last.code;
  }

  /** As `ended`; if the server gives a reason it is one of these. */
  async refused(...reasons: readonly number[]): Promise<void> {
    const reason = await this.ended();
    if (reason !== undefined && !reasons.includes(reason)) throw new Error(`ended with reason ${reason}`);
  }

  /** Nothing comes, and the connection stays. */
  async quiet(ms = QUIET_MS): Promise<void> {
    await this.#until(() => this.#packets.length > 0 || this.#closed, ms);
    if (this.#packets.length > 0) throw new Error(`unexpected: ${JSON.stringify(this.#packets[0])}`);
    if (this.#closed) throw this.#broken ?? new Error("the connection ended");
  }

  /** The server still answers here, and nothing else is waiting. */
  async ping(): Promise<void> {
    this.send(this.p.pingreq());
    await this.expect("pingresp");
  }

  /** Sends a message and goes through what its QoS asks for. Gives the answer's reason code, 0 for QoS 0. */
  async publish(message: PublishFields): Promise<number> {
    const id = message.id ?? this.#nextId++;
    this.send(this.p.publish({ ...message, id }));
    if (!message.qos) return 0;
    if (message.qos === 1) return (await this.pick("puback")).code;
    const received = await this.pick("pubrec");
    if (received.code >= 0x80) return received.code;
    this.send(this.p.pubrel(id));
    await this.pick("pubcomp");
    return received.code;
  }

  /** Gives the codes that were granted. Further packets, such as retained messages, stay to be read. */
  async subscribe(
    filters: string | FilterFields | readonly FilterFields[],
    properties?: readonly Property[],
  ): Promise<number[]> {
    const list = typeof filters === "string" ? [{ filter: filters }] : [filters].flat();
    this.send(this.p.subscribe(this.#nextId++, list as FilterFields[], properties));
    return (await this.pick("suback")).codes;
  }

  async unsubscribe(...filters: string[]): Promise<number[]> {
    this.send(this.p.unsubscribe(this.#nextId++, filters));
    return (await this.pick("unsuback")).codes;
  }

  /** The next message, acknowledged as its QoS asks. */
  async message(withinMs?: number): Promise<PacketOf<"publish">> {
    const message = await this.expect("publish", withinMs);
    if (message.qos === 1) this.send(this.p.puback(message.id));
    if (message.qos === 2) {
      this.send(this.p.pubrec(message.id));
      await this.pick("pubrel");
      this.send(this.p.pubcomp(message.id));
    }
    return message;
  }

  /** Says goodbye, and waits until the server has closed. */
  async disconnect(reason?: number, properties?: readonly Property[]): Promise<void> {
    this.send(this.p.disconnect(reason, properties));
    await this.ended();
  }

  /** As if the network had failed. */
  drop(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    try {
      for (
        let read = readPacket(this.#bytes, this.version);
        read;
        read = readPacket(this.#bytes, this.version)
      ) {
        this.#bytes = this.#bytes.subarray(read.length);
        this.largest = Math.max(this.largest, read.length);
        this.#packets.push(read.packet);
      }
    } catch (error) {
      this.#broken = new Error(`the server sent ${this.#bytes.toString("hex")}`, { cause: error });
      this.#socket.destroy();
    }
    this.#wake();
  }

  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!condition() && Date.now() < deadline) {
      const abort = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        sleep(deadline - Date.now(), undefined, { signal: abort.signal }).catch(() => undefined),
      ]);
      abort.abort();
    }
  }
}
