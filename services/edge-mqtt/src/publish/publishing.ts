import { isUtf8 } from "node:buffer";
import {
  Budget,
  deviceKey,
  type EventPublishing,
  encodeSignal,
  type HeartbeatDraft,
  type Known,
  LoadsExceeded,
  type SignalBody,
} from "@fieldlog/admission";
import { type devices, limits, type signals } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull, SignalTooLarge } from "@fieldlog/event-log";
import { InvalidEvent } from "@fieldlog/events";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { currentTraceParent } from "@fieldlog/runtime";
import { nameOf, type Principal } from "../access/principal.js";
import { readEvent } from "../events/read-event.js";
import { type EventTopic, eventTopic } from "../events/topics.js";
import { readHeartbeat } from "../heartbeats/read-heartbeat.js";
import type { Telemetry } from "../spotflow/telemetry.js";
import { isOfHub } from "../spotflow/topics.js";
import { Malformed } from "../tenta/payload.js";
import { readTenta, type TentaMessage } from "../tenta/read.js";
import { type TentaTopic, tentaTopic } from "../tenta/topics.js";
import { type InboundPublish, keptProperties } from "./inbound.js";
import { type PublishOutcome, type Refused, refused } from "./outcome.js";
import type { Rejections } from "./rejections.js";

export interface PublishingParts {
  readonly log: Pick<EventLog, "signals">;
  readonly known: Pick<Known, "namespaces" | "registered">;
  readonly devices: Pick<RpcClient<typeof devices.DevicesService>, "acknowledgeConfiguration">;
  readonly events: Pick<EventPublishing, "publish">;
  readonly rejections: Pick<Rejections, "note">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** W3C Trace Context, as a user property of the message. */
const TRACE_PARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** User property of MQTT 5 by which our own device client tells a message from all others. */
const CLIENT_IDENTITY = "fieldlog-id";
const IDENTITY = /^[\w.-]{1,100}$/;

/** What goes into the log for a message, and on whose behalf. */
interface Admitted {
  readonly device: string;
  readonly body: SignalBody;
  readonly wrapped: boolean;
  /** It is no message, and goes to no subscriber. */
  readonly isUnpublished?: boolean;
}

/** The connection has spent its credential's budget already. */
const SPENT = new Budget(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const KILLED: HeartbeatDraft = {
  ...{
    status: "killed",
    rates: [],
    connectedSensors: [],
    disconnectedSensors: [],
    latestRequestId: undefined,
  },
};
const RETRY: PublishOutcome = { kind: "unavailable", retryAfterS: 1 };
const DISABLED: PublishOutcome = refused("not-authorized", "the namespace is disabled");

/** Lets messages into the log: may they, are they right, then append. */
export class Publishing {
  /** The newest acknowledgment under way of each device. */
  private readonly acknowledging = new Map<string, Promise<void>>();

  constructor(private readonly parts: PublishingParts) {}

  /**
   * Rejects only for what is not foreseen. A refusal is also written to the device's log. The devices of a namespace that
   * is disabled are gone; who is there with an API key may go on to read.
   */
  publish(principal: Principal, given: InboundPublish): PublishOutcome | Promise<PublishOutcome> {
    if (principal.kind === "device") return this.admit(principal, given);
    const namespace = this.parts.known.namespaces.peek(principal.namespace);
    if (namespace === undefined) return this.admitUnlessDisabled(principal, given);
    return namespace.disabled ? DISABLED : this.admit(principal, given);
  }

  private async admitUnlessDisabled(principal: Principal, given: InboundPublish): Promise<PublishOutcome> {
    try {
      if ((await this.parts.known.namespaces.get(principal.namespace))?.disabled) return DISABLED;
    } catch (error) {
      return unavailable(error);
    }
    return this.admit(principal, given);
  }

  private admit(principal: Principal, given: InboundPublish): PublishOutcome | Promise<PublishOutcome> {
    const now = this.parts.now();
    const packet = named(principal, given);
    const topic = tentaTopic(packet.topic);
    const event = eventTopic(packet.topic);
    const refusal = refuse(principal, packet, topic, event);
    if (refusal !== undefined) {
      const concerned = this.mayWriteOf(principal, topic) ? topic?.device : undefined;
      return this.reject(principal, packet, concerned, refusal, now);
    }
    if (event !== undefined) return this.event(principal, packet, event as EventTopic, now);
    if (topic === undefined) return this.append(principal, plain(principal, packet.payload), packet, now);
    const known = this.parts.known.registered.peek(deviceKey(principal.namespace, topic.device));
    // Whoever logged in as the device has shown that it exists.
    if (known !== undefined || principal.kind === "device") return this.tenta(principal, packet, topic, now);
    return this.tentaOfUnknown(principal, packet, topic, now);
  }

  /** A device's message to a stream. Rejects only for what is not foreseen. */
  publishToStream(
    principal: Principal,
    packet: InboundPublish,
    { message, identity, others }: Telemetry,
  ): Promise<PublishOutcome> {
    const given = packet.properties?.userProperties ?? [];
    const kept =
      others.length === 0 ? packet : { ...packet, properties: { userProperties: [...given, ...others] } };
    return this.append(
      principal,
      {
        ...{ device: principal.id, wrapped: false, isUnpublished: others.length === 0 },
        body: { case: "streamMessage", value: message },
      },
      identity === "" ? named(principal, kept) : { ...kept, identity },
      this.parts.now(),
    );
  }

  /** The device went without a word. Rejects only for what is not foreseen. */
  async killed(namespace: string, device: string): Promise<PublishOutcome> {
    const now = this.parts.now();
    const bytes = encodeSignal({
      ...{ device, identity: "", digest: undefined, receivedAt: now, occurredAt: now, sentAt: undefined },
      ...{ location: undefined, traceParent: "", publication: undefined },
      body: { case: "heartbeat", value: KILLED },
    });
    try {
      return { kind: "stored", position: await this.parts.log.signals.append(namespace, bytes) };
    } catch (error) {
      return unavailable(error);
    }
  }

  private async event(
    principal: Principal,
    packet: InboundPublish,
    topic: EventTopic,
    now: number,
  ): Promise<PublishOutcome> {
    const traceParent = traceParentOf(packet);
    // Nobody is to see it as a retained message: a subscriber of events may ask for those of the past.
    const publication = { ...publicationOf(packet, now, false), retain: false };
    try {
      const publisher = { ...principal, budget: SPENT };
      const event = readEvent(topic, packet);
      const outcome = await this.parts.events.publish(publisher, event, { traceParent, publication });
      if (outcome.kind === "stored") return outcome;
      if ("retryAfterS" in outcome) {
        return { kind: "unavailable", retryAfterS: outcome.retryAfterS };
      }
      if (outcome.kind === "disabled") return DISABLED;
      const reason = outcome.kind === "too-large" ? "packet-too-large" : "topic-name-invalid";
      return this.reject(principal, packet, undefined, refused(reason, outcome.detail), now);
    } catch (error) {
      if (!(error instanceof InvalidEvent)) throw error;
      return this.reject(principal, packet, undefined, refused("payload-format-invalid", error.message), now);
    }
  }

  private async tentaOfUnknown(
    principal: Principal,
    packet: InboundPublish,
    topic: TentaTopic,
    now: number,
  ): Promise<PublishOutcome> {
    try {
      const key = deviceKey(principal.namespace, topic.device);
      const exists = isId(topic.device) && (await this.parts.known.registered.get(key)) !== undefined;
      if (exists) return this.tenta(principal, packet, topic, now);
      const refusal = refused("topic-name-invalid", "there is no such device");
      return this.reject(principal, packet, undefined, refusal, now);
    } catch (error) {
      return unavailable(error);
    }
  }

  private tenta(
    principal: Principal,
    packet: InboundPublish,
    { kind, device }: TentaTopic,
    now: number,
  ): PublishOutcome | Promise<PublishOutcome> {
    if (kind === "configurations") throw new TypeError("nobody publishes configurations by MQTT");
    const heartbeat = readHeartbeat(packet.topic, packet.payload);
    const message = heartbeat === undefined ? readTenta(kind, packet.payload) : heartbeat;
    if (message instanceof Malformed) {
      const refusal = refused("payload-format-invalid", message.reason);
      return this.reject(principal, packet, device, refusal, now);
    }
    if (!("body" in message)) return this.append(principal, aliveOf(device, message), packet, now);
    const admitted = { device, ...message };
    if (message.body.case !== "acknowledgments") return this.append(principal, admitted, packet, now);
    return this.acknowledge(principal, admitted, packet, now);
  }

  /** One after another of a device, since the first answer to a revision is the one that counts. */
  private acknowledge(
    principal: Principal,
    admitted: TentaMessage & { device: string },
    packet: InboundPublish,
    now: number,
  ): Promise<PublishOutcome> {
    const key = deviceKey(principal.namespace, admitted.device);
    const before = this.acknowledging.get(key) ?? Promise.resolve();
    const outcome = before.then(() => this.acknowledgeNow(principal, admitted, packet, now));
    const done = outcome.then(ignore, ignore).then(() => {
      if (this.acknowledging.get(key) === done) this.acknowledging.delete(key);
    });
    this.acknowledging.set(key, done);
    return outcome;
  }

  /** Decided before it is kept, so that an acknowledgment that was answered has had its effect. */
  private async acknowledgeNow(
    principal: Principal,
    admitted: TentaMessage & { device: string },
    packet: InboundPublish,
    now: number,
  ): Promise<PublishOutcome> {
    const acknowledgments = admitted.body.value as unknown as signals.Acknowledgment[];
    try {
      const asked = { namespace: principal.namespace, device: admitted.device, acknowledgments };
      await this.parts.devices.acknowledgeConfiguration(asked);
    } catch (error) {
      return unavailable(error);
    }
    return this.append(principal, admitted, packet, now);
  }

  private async append(
    principal: Principal,
    { device, body, wrapped, isUnpublished }: Admitted,
    packet: InboundPublish,
    now: number,
  ): Promise<PublishOutcome> {
    const traceParent = traceParentOf(packet);
    const bytes = encodeSignal({
      device,
      identity: packet.identity ?? "",
      digest: undefined,
      receivedAt: now,
      occurredAt: now,
      sentAt: undefined,
      location: undefined,
      traceParent,
      publication: isUnpublished ? undefined : publicationOf(packet, now, wrapped),
      body,
    });
    try {
      const { signals } = this.parts.log;
      const position = await signals.append(principal.namespace, bytes, traceParent || undefined);
      return { kind: "stored", position };
    } catch (error) {
      if (!(error instanceof SignalTooLarge)) return unavailable(error);
      return this.reject(principal, packet, device, refused("packet-too-large", error.message), now);
    }
  }

  /** Whether a refusal may be told in the log of the device that the topic names: of one that exists, to who may write. */
  private mayWriteOf({ namespace, permission }: Principal, topic: TentaTopic | undefined): boolean {
    if (topic === undefined || permission === "read") return false;
    return this.parts.known.registered.peek(deviceKey(namespace, topic.device)) !== undefined;
  }

  private reject(
    principal: Principal,
    packet: InboundPublish,
    concerned: string | undefined,
    refusal: Refused,
    now: number,
  ): Refused {
    // A device's own log tells what it did wrong, wherever it published; that of another only what concerns it.
    const device = principal.kind === "device" ? principal.id : (concerned ?? nameOf(principal));
    const { namespace } = principal;
    this.parts.rejections.note({ namespace, device, topic: packet.topic, reason: refusal.text }, now);
    return refusal;
  }
}

function ignore(): void {}

/** With the identity that a device's own client gave it, so that what it sends again counts once. */
function named(principal: Principal, packet: InboundPublish): InboundPublish {
  if (principal.kind !== "device" || packet.identity !== undefined) return packet;
  const given = packet.properties?.userProperties?.find(([name]) => name === CLIENT_IDENTITY)?.[1];
  return given !== undefined && IDENTITY.test(given) ? { ...packet, identity: `client/${given}` } : packet;
}

function publicationOf(
  { topic, qos, retain, clientId, dup: redelivered, properties }: InboundPublish,
  now: number,
  wrapped: boolean,
) {
  return { topic, qos, retain, clientId, redelivered, wrapped, properties: keptProperties(properties, now) };
}

/** What can be refused without asking anybody. */
function refuse(
  principal: Principal,
  { topic, payload, properties }: InboundPublish,
  tenta: TentaTopic | undefined,
  event: EventTopic | "malformed" | undefined,
): Refused | undefined {
  if (isTooDeep(topic)) return refused("topic-name-invalid", "the topic is too long or too deep");
  if (principal.permission === "read") return refused("not-authorized", "this API key may only read");
  if (topic.startsWith("$")) return refused("topic-name-invalid", "topics that begin with $ are not offered");
  if (tenta?.kind === "configurations") {
    return refused("not-authorized", "configurations are published by the platform alone");
  }
  if (event === "malformed")
    return refused("topic-name-invalid", "the topic's levels must be percent-encoded");
  if (principal.kind === "device" && !isOwn(principal.id, topic, tenta ?? event)) {
    return refused("not-authorized", `this device may publish to its own topics and to ${principal.id}/#`);
  }
  if (properties?.payloadFormatIndicator && !isUtf8(payload)) {
    return refused("payload-format-invalid", "the payload is not UTF-8, as its format indicator says");
  }
  return undefined;
}

function isOwn(id: string, topic: string, named: { readonly device: string } | undefined): boolean {
  if (named !== undefined) return named.device === id;
  if (isOfHub(topic)) return false;
  return topic.startsWith(id) && (topic.length === id.length || topic[id.length] === "/");
}

function isTooDeep(topic: string): boolean {
  if (topic.length > limits.mqttTopicBytes) return true;
  let levels = 1;
  for (let i = topic.indexOf("/"); i >= 0; i = topic.indexOf("/", i + 1)) levels++;
  return levels > limits.mqttTopicLevels || Buffer.byteLength(topic) > limits.mqttTopicBytes;
}

function isId(text: string): boolean {
  return text.length > 0 && text.length <= limits.idLength;
}

function plain(principal: Principal, payload: Uint8Array): Admitted {
  const device = principal.kind === "device" ? principal.id : nameOf(principal);
  return { device, body: { case: "message", value: payload }, wrapped: false };
}

function aliveOf(device: string, value: HeartbeatDraft): Admitted {
  return { device, body: { case: "heartbeat", value }, wrapped: false, isUnpublished: true };
}

/** Of the span that is open for it, else as its sender gave it; empty: neither. */
export function traceParentOf({ properties }: InboundPublish): string {
  const own = currentTraceParent();
  if (own !== undefined) return own;
  const given = properties?.userProperties?.find(([name]) => name === "traceparent")?.[1];
  return given !== undefined && TRACE_PARENT.test(given) ? given : "";
}

function unavailable(error: unknown): PublishOutcome {
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return { kind: "unavailable", retryAfterS: error.retryAfterS };
  }
  if (error instanceof RpcError || error instanceof LoadsExceeded) return RETRY;
  throw error;
}
