import type { Logger } from "@fieldlog/runtime";
import type { Access } from "../access/access.js";
import type { Principal } from "../access/principal.js";
import type { Version } from "../codec/packet-type.js";
import type { Flusher, Output } from "../net/output.js";
import type { Timed, Wheel } from "../net/wheel.js";
import type { Wire } from "../net/wire.js";
import type { InboundPublish } from "../publish/inbound.js";
import type { PublishOutcome } from "../publish/outcome.js";
import type { Publishing } from "../publish/publishing.js";
import type { Implicit, OpenSession, Session } from "../sessions/types.js";
import type { MqttMetrics } from "./metrics.js";

/** What all connections of a process share. */
export interface DoorParts {
  readonly access: Pick<Access, "login" | "maySubscribe" | "stillGood">;
  readonly publishing: Pick<Publishing, "publish">;
  /** What its client's dialect adds to a connection; undefined: nothing. */
  readonly dialectOf: (client: Client, principal: Principal) => Dialect | undefined;
  readonly sessions: { open(options: OpenSession): Promise<{ session: Session; present: boolean }> };
  readonly connections: ClientIndex;
  readonly metrics: MqttMetrics;
  readonly flusher: Flusher;
  readonly wheel: Wheel;
  readonly logger: Pick<Logger, "debug" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** ms of a clock that only goes forward. */
  readonly clock: () => number;
}

/** Topics of a connection that mean more than a message. */
export interface Dialect {
  readonly subscriptions: Implicit;
  /** CONNECT was answered. */
  started(): void;
  /** Undefined: it is no topic of the dialect. */
  publish(packet: InboundPublish): PublishOutcome | Promise<PublishOutcome> | undefined;
  /** Whether what the filter is for comes to this client in any case. */
  offers(filter: string): boolean;
  /** The connection is over. */
  close(): void;
}

export interface ClientIndex {
  add(client: Client): void;
  noteLogin(client: Client, principal: Principal): void;
  remove(client: Client, principal: Principal | undefined): void;
}

/** Why a connection is not read from for the moment, as bits. */
export const Hold = Object.freeze({
  /** Nothing is done before CONNECT is answered ([MQTT-3.1.4-5] where it is refused). */
  connect: 1,
  /** What follows SUBSCRIBE finds the subscriptions made. */
  subscriptions: 2,
  /** The log takes less than the client sends. */
  publishes: 4,
  /** The client takes less than it is sent. */
  output: 8,
  stop: 16,
  /** Its credential sends more in a second than it may. */
  rate: 32,
});

export type Phase = "new" | "connecting" | "open" | "ended";

export type CloseSession = Parameters<Session["close"]>[0];

/** A client's connection, as those see it who handle its packets. */
export interface Client extends Timed {
  phase: Phase;
  readonly version: Version;
  clientId: string;
  /** Once it has logged in. */
  principal: Principal | undefined;
  session: Session | undefined;
  dialect: Dialect | undefined;
  /** To be told when what was written has left. */
  deliveries: { drained(): void } | undefined;
  /** Bytes of the largest packet that the client takes [MQTT-3.1.2-24]. */
  readonly maximum: number;
  /** Whether it wants to be told reasons in words where it is not disconnected [MQTT-3.1.2-29]. */
  wantsReasons: boolean;
  /** Seconds that its session outlives it, as asked for in CONNECT. */
  expiryS: number;
  /** ms of silence after which it ends: one and a half times the keep alive [MQTT-3.1.2-22]. */
  silenceMs: number;
  /** ms of the clock at which its credential expires. */
  expiresAt: number;
  /** Resolves when its session is closed; undefined: it is not being closed. */
  readonly sessionClosed: Promise<void> | undefined;
  readonly wire: Wire;
  readonly output: Output;
  readonly parts: DoorParts;

  /** A packet has come. */
  heard(): void;
  /** Stops reading, for a reason of {@link Hold}. */
  hold(why: number): void;
  /** Goes on reading, if there is no other reason not to. */
  release(why: number): void;
  stopReading(): void;
  /** Resolves when every publish taken so far is answered. */
  answered(): Promise<void>;
  /** The exchange of a QoS 2 publish is over: its packet id is free. */
  released(packetId: number): void;
  /** Sends an acknowledgment without a reason; `first`: packet type and flags. */
  writeAcknowledgment(first: number, packetId: number): void;
  /** Undefined: larger than the client takes, so it is not sent [MQTT-3.1.2-24]. */
  write(bytes: Buffer | undefined, type: number): void;
  /** Something went wrong with this connection: the client is told why, others do not notice. */
  fail(error: unknown): void;
  /** Ends the connection: MQTT 5 clients are told why ([MQTT-4.13.1-1], 3.14), others just closed. */
  end(code: number, why: string, options?: { sessionOver?: boolean }): void;
  /** Closes without a word. */
  drop(reason: string): void;
  /** It is over, but for the wire. `close`: how the session is left; undefined: it is over already. */
  finish(reason: string, close: CloseSession | undefined): void;
  /** What it logged in with may be void. Never rejects. */
  recheck(): Promise<void>;
}
