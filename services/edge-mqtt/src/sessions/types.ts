import type { InboundProperties } from "../publish/inbound.js";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";

export type QoS = 0 | 1 | 2;

/** One PUBLISH to a client. */
export interface Delivery {
  /** The same object for every client that gets it at that time. */
  readonly message: OutboundMessage;
  readonly qos: QoS;
  /** With QoS 1 and 2. */
  readonly packetId?: number;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[];
}

export type EndReason = "taken-over" | "administrative" | "quota" | "internal";

/** The connection, as a session sees it. */
export interface SessionSink {
  /** Takes the delivery in any case. False: no more until {@link Session.writable} is called. */
  publish(delivery: Delivery): boolean;
  pubrel(packetId: number): void;
  /** Sends DISCONNECT (MQTT 5) and closes; the session is over for this connection, and needs no close(). */
  end(reason: EndReason): void;
}

/** Published when the connection ends without a proper DISCONNECT. */
export interface Will {
  /** Under which it is stored, once; it has one from the session's beginning on, but for those kept of old. */
  readonly id?: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Seconds after the end of the connection. */
  readonly delayS: number;
  readonly properties?: InboundProperties;
}

/** Whose will it is. */
export interface WillOwner {
  readonly namespace: string;
  readonly clientId: string;
  readonly principal: string;
}

/** Resolves to true once the will is stored, or refused for good; false: try again later. */
export type PublishWill = (owner: WillOwner, will: Will) => Promise<boolean>;

export interface OpenSession {
  /** Namespace id; client ids are unique within it. */
  readonly namespace: string;
  readonly namespaceName: string;
  readonly clientId: string;
  /** "device:<id>" or "key:<id>": the session belongs to it. */
  readonly principal: string;
  /** Its shared subscriptions are its principal's alone. Absent: those of all in the namespace who may share. */
  readonly sharesAlone?: boolean;
  readonly cleanStart: boolean;
  /** Seconds that it outlives its connection, capped at limits.mqttSessionS; 0: it ends with it. */
  readonly expiryS: number;
  /** How many publishes with QoS above 0 the client takes unacknowledged: 1 to 65535. */
  readonly receiveMaximum: number;
  readonly will?: Will;
  readonly sink: SessionSink;
  readonly implicit?: Implicit;
}

/** Subscriptions that a session has from its beginning on, whatever its client asks for. */
export interface Implicit {
  readonly requests: readonly SubscribeRequest[];
  /** ms since 1970 UTC: a new session that is kept as long as any begins with what was published from then on. */
  readonly since: () => Promise<number>;
}

export interface SubscribeRequest {
  /** Without `$share/<group>/`. */
  readonly filter: string;
  /** Name of the group, of a shared subscription. */
  readonly share?: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: send retained messages; 1: if the subscription is new; 2: do not. */
  readonly retainHandling: 0 | 1 | 2;
  /** MQTT 5 subscription identifier. */
  readonly id?: number;
}

/** A client's session, while the client is connected. */
export interface Session {
  /** To be called after CONNACK: sends what was in flight again, then goes on from the cursor. */
  start(): void;
  /**
   * Resolves when the subscriptions will survive; SUBACK may then be sent, and {@link deliverRetained} called.
   * Raises QuotaExceeded (none was made), SessionLost, LogUnavailable.
   */
  subscribe(requests: readonly SubscribeRequest[]): Promise<void>;
  /** Sends the retained messages of what was subscribed to last, in the background. */
  deliverRetained(): void;
  /** Filters as in the packet, `$share/<group>/…` included. Of each: whether there was such a subscription. */
  unsubscribe(filters: readonly string[]): Promise<readonly boolean[]>;
  /** PUBACK. False: no such packet id is in flight. */
  acked(packetId: number): boolean;
  /** PUBREC; leads to PUBREL through the sink, unless it says that the client refused (`failed`). */
  received(packetId: number, failed: boolean): void;
  /** PUBCOMP. False: no such packet id is in flight. */
  completed(packetId: number): boolean;
  /**
   * PUBLISH with QoS 2, before it is admitted. The identity to store it under is persisted when it resolves.
   * `digest`, of its content: the same under a packet id that was not released is the same message, DUP or not.
   * `stored`: it is in the log already, answer PUBREC. Raises SessionLost, LogUnavailable.
   */
  receiveQos2(packetId: number, dup: boolean, digest: string): Promise<{ identity: string; stored: boolean }>;
  /** It is in the log: PUBREC is about to be sent. */
  storedQos2(packetId: number): void;
  /** It was refused: PUBREC with a reason of 0x80 or more, the packet id is free again [MQTT-4.3.3]. */
  refusedQos2(packetId: number): void;
  /** PUBREL; PUBCOMP may be sent when it resolves. False: no such packet id. Raises SessionLost, LogUnavailable. */
  releaseQos2(packetId: number): Promise<boolean>;
  /** The sink takes more again. */
  writable(): void;
  /** The connection has ended. `expiryS`: as DISCONNECT changed it. Never rejects. */
  close(options: { publishWill: boolean; expiryS?: number }): Promise<void>;
}
