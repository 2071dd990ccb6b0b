import { createHash } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { isTracing, withTraceParent } from "@fieldlog/runtime";
import type { IPubackPacket, IPubrecPacket } from "mqtt-packet";
import { nameOf, type Principal } from "../access/principal.js";
import { PacketType } from "../codec/packet-type.js";
import { noProperties } from "../codec/properties.js";
import type { Publish } from "../codec/read-packets.js";
import { BadPacket, protocolError, Reason } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import type { InboundPublish } from "../publish/inbound.js";
import { type PublishOutcome, type Refusal, type Refused, refused } from "../publish/outcome.js";
import { traceParentOf } from "../publish/publishing.js";
import { QuotaExceeded, SessionLost } from "../sessions/errors.js";
import type { Session } from "../sessions/types.js";
import { type Client, Hold } from "./client.js";
import { InboundAliases } from "./topic-aliases.js";
import { isTopicName } from "./topics.js";

/** Bytes under way to the log beyond which the client is not read from. */
const BYTES_UNDER_WAY = limits.mqttSocketBytes;
/** Publishes under way to the log, those with QoS 0 included, beyond which it is not read from either. */
const PUBLISHES_UNDER_WAY = limits.mqttInFlight;
/** Least milliseconds for which a client is held that sends too fast. */
const SLOWED_MS = 10;

const reasons: Readonly<Record<Refusal, number>> = {
  "not-authorized": Reason.notAuthorized,
  "topic-name-invalid": Reason.topicNameInvalid,
  "payload-format-invalid": Reason.payloadFormatInvalid,
  "quota-exceeded": Reason.quotaExceeded,
  // PUBACK has no code of its own for it (3.4.2.1); this one means any limit.
  "packet-too-large": Reason.quotaExceeded,
};

type Outcome = PublishOutcome | { readonly kind: "session-lost" };

/** A publish whose outcome is not known yet, or whose turn to be answered has not come. */
interface Waiting {
  readonly qos: 0 | 1 | 2;
  readonly packetId: number;
  readonly bytes: number;
  readonly outcome: Outcome | Promise<Outcome>;
  next: Waiting | undefined;
}

const KEPT: Outcome = { kind: "stored", position: 0 };
const TRY_AGAIN: PublishOutcome = { kind: "unavailable", retryAfterS: 1 };

function ignore(): void {}

/**
 * What a client publishes: into the log, and answered in the order in which it came ([MQTT-4.6.0-2],
 * [MQTT-4.6.0-3]), when it is kept and not before.
 */
export class InboundPublishes {
  private readonly aliases = new InboundAliases();
  private head: Waiting | undefined;
  private last: Waiting | undefined;
  private count = 0;
  private bytes = 0;
  /** Packet ids with QoS 2 whose exchange is not over. */
  private open: Set<number> | undefined;
  private answering: Promise<void> | undefined;
  /** One that has to be sent again was let in: what came behind it would stand before it. */
  private failed = false;
  /** Of QoS 2: resolves, to whether the next may be let in, when the one before has had its turn. */
  private turn: Promise<boolean> | undefined;

  constructor(private readonly client: Client) {}

  /** Raises BadPacket. */
  take(publish: Publish): void {
    const { client } = this;
    const topic = this.aliases.resolve(publish);
    const { qos, packetId, payload, properties } = publish;
    if (properties.responseTopic !== undefined && !isTopicName(properties.responseTopic)) {
      throw protocolError("a response topic with wildcards"); // [MQTT-3.3.2-14]
    }
    if (qos === 2) this.noteOpen(packetId);
    const message: InboundPublish = {
      topic,
      payload,
      qos,
      retain: publish.retain,
      dup: publish.dup,
      clientId: client.clientId,
      properties: properties === noProperties ? undefined : properties,
    };
    const principal = client.principal as Principal;
    const waitMs = principal.budget.spend(client.parts.now());
    if (waitMs > 0) this.slowDown(waitMs);
    const excess = (properties.userProperties?.length ?? 0) > limits.mqttUserProperties;
    const outcome = excess
      ? refused("quota-exceeded", `more than ${limits.mqttUserProperties} user properties`)
      : qos === 2
        ? this.exactlyOnce(principal, message, packetId)
        : this.letIn(principal, message);
    if (this.head === undefined && !(outcome instanceof Promise)) this.answer(qos, packetId, outcome);
    else this.wait({ qos, packetId, bytes: payload.length, outcome, next: undefined });
  }

  /** The exchange of a publish with QoS 2 is over. */
  released(packetId: number): void {
    this.open?.delete(packetId);
  }

  /** Resolves when nothing waits. */
  async answered(): Promise<void> {
    await this.answering;
  }

  /**
   * [MQTT-3.3.4-9]: the client was told how many it may have open. Of QoS 1 only this side's answers close
   * them, so that it is enough not to read on ({@link wait}); real clients do overrun the receive maximum.
   */
  private noteOpen(packetId: number): void {
    this.open ??= new Set();
    if (this.client.version === 5 && this.open.size >= limits.mqttInFlight && !this.open.has(packetId)) {
      throw new BadPacket(Reason.receiveMaximumExceeded, `more than ${limits.mqttInFlight} unacknowledged`);
    }
    this.open.add(packetId);
  }

  /**
   * QoS 2 (4.3.3): the identity that it is stored under is persisted first, so that a resend changes nothing. That
   * may take one longer than the next; they are let in in the order in which they came all the same (4.6.0). Behind
   * one that could not be, none is: the client sends them again, in their order.
   */
  private exactlyOnce(principal: Principal, message: InboundPublish, packetId: number): Promise<Outcome> {
    const session = this.client.session as Session;
    const received = session.receiveQos2(packetId, message.dup, digestOf(message)).catch(outcomeOf);
    const before = this.turn;
    const taken = (async (): Promise<{ outcome: Outcome | Promise<Outcome>; goesOn: boolean }> => {
      const goesOn = (await before) ?? true;
      const known = await received;
      if ("kind" in known) return { outcome: known, goesOn: goesOn && known.kind === "refused" };
      if (!goesOn || this.failed) return { outcome: TRY_AGAIN, goesOn: false };
      if (known.stored) return { outcome: KEPT, goesOn };
      return { outcome: this.letIn(principal, { ...message, identity: known.identity }), goesOn };
    })();
    this.turn = taken.then(
      ({ goesOn }) => goesOn,
      () => false,
    );
    return taken.then(async ({ outcome: letInAs }) => {
      const outcome = await letInAs;
      if (outcome.kind === "stored") session.storedQos2(packetId);
      else if (outcome.kind === "refused") session.refusedQos2(packetId);
      return outcome;
    });
  }

  /** Behind one that the log did not take none is let in: the connection ends, and the client sends all of them again. */
  private letIn(principal: Principal, message: InboundPublish): PublishOutcome | Promise<PublishOutcome> {
    if (this.failed) return TRY_AGAIN;
    const outcome = letIn(this.client, principal, message);
    if (message.qos > 0 && outcome instanceof Promise) {
      outcome.then(({ kind }) => {
        this.failed ||= kind === "unavailable";
      }, ignore);
    }
    return outcome;
  }

  /** Too fast for its credential: it is read from again when that has earned what it sent. */
  private slowDown(ms: number): void {
    const { client } = this;
    client.hold(Hold.rate);
    client.parts.metrics.slowed();
    setTimeout(() => client.release(Hold.rate), Math.max(ms, SLOWED_MS));
  }

  private wait(waiting: Waiting): void {
    // What fails is found when its turn comes; until then nobody else shall call it unhandled.
    if (waiting.outcome instanceof Promise) waiting.outcome.then(undefined, ignore);
    if (this.last === undefined) this.head = waiting;
    else this.last.next = waiting;
    this.last = waiting;
    this.count++;
    this.bytes += waiting.bytes;
    if (this.bytes > BYTES_UNDER_WAY || this.count >= PUBLISHES_UNDER_WAY) this.client.hold(Hold.publishes);
    this.answering ??= this.answerInOrder();
  }

  private async answerInOrder(): Promise<void> {
    for (let waiting = this.head; waiting !== undefined; waiting = this.head) {
      try {
        const outcome = await waiting.outcome;
        this.answer(waiting.qos, waiting.packetId, outcome);
      } catch (error) {
        this.client.fail(error);
      }
      this.head = waiting.next;
      if (this.head === undefined) this.last = undefined;
      this.count--;
      this.bytes -= waiting.bytes;
      if (this.bytes <= BYTES_UNDER_WAY / 2 && this.count <= PUBLISHES_UNDER_WAY / 2) {
        this.client.release(Hold.publishes);
      }
    }
    this.answering = undefined;
  }

  private answer(qos: 0 | 1 | 2, packetId: number, outcome: Outcome): void {
    const { client } = this;
    const { metrics } = client.parts;
    if (outcome.kind === "session-lost") {
      client.end(Reason.sessionTakenOver, "the client has connected again", { sessionOver: true });
      return;
    }
    metrics.publish(qos, outcome.kind);
    if (outcome.kind === "refused") metrics.refusal(outcome.reason);
    if (client.phase === "ended" || qos === 0) return;
    switch (outcome.kind) {
      case "stored":
        // [MQTT-4.3.2-4], [MQTT-4.3.3-8]
        client.writeAcknowledgment((qos === 1 ? PacketType.puback : PacketType.pubrec) << 4, packetId);
        break;
      case "refused":
        this.refuse(qos, packetId, outcome);
        break;
      case "unavailable":
        client.end(Reason.serverBusy, "the log is not available: send again");
        break;
    }
    if (qos === 2 && outcome.kind === "refused") this.open?.delete(packetId);
  }

  /** 3.1.1 knows no refusal, and nothing is acknowledged that is not kept: the connection ends [MQTT-3.3.5-2]. */
  private refuse(qos: 1 | 2, packetId: number, { reason, text }: Refused): void {
    const { client } = this;
    const reasonCode = reasons[reason];
    if (client.version === 4) {
      client.end(reasonCode, text);
      return;
    }
    const packet: IPubackPacket | IPubrecPacket = {
      cmd: qos === 1 ? "puback" : "pubrec",
      messageId: packetId,
      reasonCode,
      ...(client.wantsReasons ? { properties: { reasonString: text } } : {}), // [MQTT-3.1.2-29]
    };
    const type = qos === 1 ? PacketType.puback : PacketType.pubrec;
    client.write(encodePacket(packet, 5, client.maximum), type);
  }
}

function letIn(
  { dialect, parts }: Client,
  principal: Principal,
  message: InboundPublish,
): PublishOutcome | Promise<PublishOutcome> {
  const publish = () => dialect?.publish(message) ?? parts.publishing.publish(principal, message);
  if (!isTracing()) return publish();
  const attributes = { "fieldlog.namespace": principal.namespace, "fieldlog.device": nameOf(principal) };
  return withTraceParent(traceParentOf(message), "mqtt publish", attributes, async () => publish());
}

/** Enough to tell whether the same comes again. */
function digestOf({ topic, payload }: InboundPublish): string {
  return createHash("sha256").update(`${topic}\n`).update(payload).digest("base64url").slice(0, 16);
}

/** Of a session that could not keep it; raises what is not foreseen. */
function outcomeOf(error: unknown): Outcome {
  if (error instanceof SessionLost) return { kind: "session-lost" };
  if (error instanceof LogUnavailable) return TRY_AGAIN;
  if (error instanceof QuotaExceeded) return refused("quota-exceeded", error.message);
  throw error;
}
