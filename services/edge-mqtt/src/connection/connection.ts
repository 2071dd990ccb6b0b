import { limits } from "@fieldlog/contracts";
import type { Principal } from "../access/principal.js";
import { PacketType, packetNames, type Version } from "../codec/packet-type.js";
import { readConnect, saysVersion5 } from "../codec/read-connect.js";
import { readAcknowledgment, readDisconnect, readPublish } from "../codec/read-packets.js";
import { Reader } from "../codec/reader.js";
import { BadPacket, malformed, protocolError, Reason, reasonWords } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import { Framer, INCOMPLETE } from "../net/framer.js";
import { Output } from "../net/output.js";
import type { Wire, WireReceiver } from "../net/wire.js";
import type { Session } from "../sessions/types.js";
import { type Client, type CloseSession, type Dialect, type DoorParts, Hold, type Phase } from "./client.js";
import { refuseConnect } from "./connack.js";
import { connect } from "./connect.js";
import { InboundPublishes } from "./inbound-publishes.js";
import { release } from "./release.js";
import { subscribe } from "./subscribe.js";
import { unsubscribe } from "./unsubscribe.js";

/** Milliseconds that CONNECT may take to be decided. */
const DECIDE_MS = 30_000;

/** Bits 3 to 0 of the first byte, by packet type; PUBLISH has its own meaning for them [MQTT-2.1.3-1]. */
const requiredFlags: readonly number[] = [0, 0, 0, -1, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];

// One for the process: a packet is read in one go.
const reader = new Reader();

/** One client's network connection: takes its packets one after another, and is told of its end once. */
export class Connection implements WireReceiver, Client {
  phase: Phase = "new";
  version: Version = 4;
  clientId = "";
  principal: Principal | undefined;
  session: Session | undefined;
  dialect: Dialect | undefined;
  deliveries: { drained(): void } | undefined;
  maximum = Number.POSITIVE_INFINITY;
  wantsReasons = true;
  expiryS = 0;
  silenceMs = Number.POSITIVE_INFINITY;
  expiresAt = Number.POSITIVE_INFINITY;
  wheelSlot = -1;
  sessionClosed: Promise<void> | undefined;

  readonly output: Output;
  private readonly framer = new Framer();
  private publishes: InboundPublishes | undefined;
  private heardAt: number;
  private holds = 0;
  private pumping = false;

  constructor(
    readonly wire: Wire,
    readonly parts: DoorParts,
  ) {
    this.output = new Output(wire, parts.flusher);
    this.heardAt = parts.clock();
    parts.connections.add(this);
    parts.wheel.set(this);
  }

  received(chunk: Buffer): void {
    if (this.phase === "ended") return;
    this.framer.push(chunk);
    this.pump();
  }

  drained(): void {
    if (this.output.backlog > limits.mqttSocketBytes / 2) return;
    this.deliveries?.drained();
    this.release(Hold.output);
  }

  closed(): void {
    this.finish("connection lost", { publishWill: true });
  }

  dueAt(): number {
    if (this.phase === "new") return this.heardAt + limits.mqttConnectMs;
    if (this.phase === "connecting") return this.heardAt + DECIDE_MS;
    // What is not read cannot be heard.
    const heardAt = (this.holds & ~Hold.output) === 0 ? this.heardAt : this.parts.clock();
    return Math.min(heardAt + this.silenceMs, this.expiresAt);
  }

  due(): void {
    if (this.phase !== "open") this.drop("connect timeout");
    else if (this.expiresAt <= this.parts.clock())
      this.end(Reason.notAuthorized, "the credential has expired");
    else this.end(Reason.keepAliveTimeout, "nothing was heard in time");
  }

  heard(): void {
    this.heardAt = this.parts.clock();
  }

  hold(why: number): void {
    if (this.holds === 0) this.wire.pause();
    this.holds |= why;
  }

  release(why: number): void {
    if ((this.holds & why) === 0) return;
    this.holds &= ~why;
    if (this.holds !== 0 || this.phase === "ended") return;
    this.heard();
    this.wire.resume();
    this.pump();
  }

  /** Takes what has arrived, as long as nothing holds it. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (this.holds === 0 && this.phase !== "ended") {
        const first = this.framer.next(reader);
        if (first === INCOMPLETE) break;
        this.heard();
        this.take(first);
        if (this.output.backlog > limits.mqttSocketBytes) this.hold(Hold.output);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.pumping = false;
    }
  }

  private take(first: number): void {
    const type = first >> 4;
    this.parts.metrics.received(type);
    if (this.phase === "new") {
      this.takeConnect(first);
      return;
    }
    if (type === PacketType.publish) {
      this.publishes ??= new InboundPublishes(this);
      this.publishes.take(readPublish(reader, first & 15, this.version));
      return;
    }
    if ((first & 15) !== requiredFlags[type]) throw malformed("flags that are reserved");
    const session = this.session as Session;
    switch (type) {
      case PacketType.puback:
        session.acked(readAcknowledgment(reader, this.version, false).packetId);
        return;
      case PacketType.pubrec: {
        const { packetId, reasonCode } = readAcknowledgment(reader, this.version, false);
        session.received(packetId, reasonCode >= 0x80); // [MQTT-4.3.3-4]
        return;
      }
      case PacketType.pubcomp:
        session.completed(readAcknowledgment(reader, this.version, true).packetId);
        return;
      case PacketType.pubrel:
        void release(this, readAcknowledgment(reader, this.version, true).packetId);
        return;
      case PacketType.subscribe:
        subscribe(this, reader);
        return;
      case PacketType.unsubscribe:
        unsubscribe(this, reader);
        return;
      case PacketType.pingreq:
        reader.finish();
        this.writeEmpty(PacketType.pingresp); // [MQTT-3.12.4-1]
        return;
      case PacketType.disconnect:
        this.takeDisconnect();
        return;
      default:
        this.refuseType(type);
    }
  }

  /** [MQTT-3.1.0-1]: the first packet is CONNECT. */
  private takeConnect(first: number): void {
    if (first >> 4 !== PacketType.connect) throw protocolError("the first packet is not CONNECT");
    if ((first & 15) !== 0) throw malformed("flags that are reserved");
    if (saysVersion5(reader, reader.at)) this.version = 5;
    const packet = readConnect(reader);
    this.version = packet.version;
    this.maximum = packet.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.phase = "connecting";
    this.parts.wheel.set(this);
    this.hold(Hold.connect);
    connect(this, packet).then(
      () => this.release(Hold.connect),
      (error) => this.fail(error),
    );
  }

  private takeDisconnect(): void {
    const { reasonCode, sessionExpiryInterval } = readDisconnect(reader, this.version);
    if (sessionExpiryInterval !== undefined && sessionExpiryInterval > 0 && this.expiryS === 0) {
      throw protocolError("a session expiry where CONNECT had none"); // 3.14.2.2.2
    }
    // [MQTT-3.14.4-3], [MQTT-3.1.2-8]: after any other reason than this one the will is published.
    const publishWill = reasonCode !== Reason.success;
    this.finish("client", {
      publishWill,
      ...(sessionExpiryInterval === undefined ? {} : { expiryS: sessionExpiryInterval }),
    });
    this.wire.end();
  }

  private refuseType(type: number): never {
    if (type === 0 || (type === PacketType.auth && this.version === 4))
      throw malformed("a reserved packet type");
    // A second CONNECT [MQTT-3.1.0-2], what only a server sends, and AUTH, which nobody began (4.12).
    throw protocolError(`${packetNames[type]} is not expected`);
  }

  fail(error: unknown): void {
    if (this.phase === "ended") return;
    if (!(error instanceof BadPacket)) {
      const { clientId, principal } = this;
      const fields = { clientId, namespace: principal?.namespace, device: principal?.id };
      this.parts.logger.error({ err: error, ...fields }, "connection failed");
      this.end(Reason.unspecified, "an error of the server");
    } else if (this.phase !== "new") this.end(error.code, error.message);
    // In the form that 3.1.1 demands ([MQTT-3.1.2-2] there); 5 leaves it open.
    else if (error.code === Reason.unsupportedVersion) refuseConnect(this, error, 4);
    // Who did not even say that it is MQTT 5 is not answered [MQTT-3.1.4-1].
    else if (this.version === 5) refuseConnect(this, error, 5);
    else this.drop(reasonWords(error.code));
  }

  end(code: number, why: string, options: { sessionOver?: boolean } = {}): void {
    if (this.phase === "ended") return;
    if (this.phase === "open" && this.version === 5) {
      const properties = { reasonString: why };
      this.write(
        encodePacket({ cmd: "disconnect", reasonCode: code, properties }, 5, this.maximum),
        PacketType.disconnect,
      );
    }
    const { clientId, principal } = this;
    this.parts.logger.debug(
      { clientId, namespace: principal?.namespace, principal: principal?.id, code, why },
      "connection ended",
    );
    this.finish(reasonWords(code), options.sessionOver ? undefined : { publishWill: true });
    this.output.flush();
    this.wire.end();
  }

  drop(reason: string): void {
    this.finish(reason, { publishWill: true });
    this.wire.destroy();
  }

  async recheck(): Promise<void> {
    try {
      if (this.principal === undefined || (await this.parts.access.stillGood(this.principal))) return;
      this.end(Reason.notAuthorized, "the credential was revoked");
    } catch (error) {
      this.fail(error);
    }
  }

  stopReading(): void {
    this.hold(Hold.stop);
  }

  async answered(): Promise<void> {
    await this.publishes?.answered();
  }

  released(packetId: number): void {
    this.publishes?.released(packetId);
  }

  /** Sends an acknowledgment without a reason: packet type and flags, remaining length, packet id. */
  writeAcknowledgment(first: number, packetId: number): void {
    const at = this.output.reserve(4);
    const tail = this.output.tail as Buffer;
    tail[at] = first;
    tail[at + 1] = 2;
    tail[at + 2] = packetId >> 8;
    tail[at + 3] = packetId & 0xff;
    this.parts.metrics.sent(first >> 4);
  }

  write(bytes: Buffer | undefined, type: number): void {
    if (bytes === undefined) return;
    this.output.add(bytes);
    this.parts.metrics.sent(type);
  }

  private writeEmpty(type: number): void {
    const at = this.output.reserve(2);
    const tail = this.output.tail as Buffer;
    tail[at] = type << 4;
    tail[at + 1] = 0;
    this.parts.metrics.sent(type);
  }

  finish(reason: string, close: CloseSession | undefined): void {
    if (this.phase === "ended") return;
    const { metrics, wheel, connections } = this.parts;
    if (this.phase === "open") {
      metrics.closed(this.wire.transport, this.version);
      metrics.disconnect(reason);
    } else if (this.phase === "new") {
      metrics.connect(reason);
    }
    this.phase = "ended";
    this.framer.clear();
    wheel.remove(this);
    connections.remove(this, this.principal);
    this.dialect?.close();
    if (close !== undefined && this.session !== undefined) this.sessionClosed = this.session.close(close);
  }
}
