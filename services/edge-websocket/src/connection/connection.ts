import type { Duplex } from "node:stream";
import {
  deviceKey,
  type EndReason,
  type EventOutcome,
  type EventPublishing,
  type Known,
  type KnownSubscription,
  LoadsExceeded,
  mayRead,
  type OpenReader,
  type OpenReaders,
} from "@fieldlog/admission";
import { endOf, limits, type Position, type registry, signalsStream } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable } from "@fieldlog/event-log";
import { InvalidEvent } from "@fieldlog/events";
import {
  type Count,
  type CursorRecords,
  EventCursor,
  type EventFeeds,
  type Held,
  type Slots,
} from "@fieldlog/fan-out";
import { RpcError } from "@fieldlog/rpc";
import { currentTraceParent, type Logger, withTraceParent } from "@fieldlog/runtime";
import type { RawData, WebSocket } from "ws";
import { FrameWriter, type Turn } from "../net/frame-writer.js";
import { decodeMessage, type Encoding, Undecodable } from "../protocol/codec.js";
import { messageFrame } from "../protocol/frames.js";
import {
  type ClientMessage,
  InvalidMessage,
  type Publish,
  parseMessage,
  type Subscribe,
} from "../protocol/messages.js";
import { type Caller, callerOf } from "./access.js";
import { Failure } from "./failure.js";
import { Subscriber } from "./subscriber.js";

/** What the connections of an edge have in common. */
export interface ConnectionParts {
  readonly known: Known;
  readonly log: EventLog;
  readonly feeds: EventFeeds;
  readonly readers: Slots;
  readonly records: CursorRecords;
  readonly publishing: EventPublishing;
  readonly turn: Turn;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** Names the replica in records. */
  readonly holder: string;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Events delivered. */
  readonly delivered: Count;
  /** What clients were told in place of what they asked for, by status. */
  readonly failures: Map<number, number>;
  /** All of whom it is known who they are. */
  readonly open: OpenReaders;
}

export const PATH = "/v1/subscribe";
/** Bytes of a message: an event of the largest size, and what is said around it. */
export const MESSAGE_BYTES = limits.signalBytes + 32 * 1024;
/** Messages that wait for the ones before them; beyond that the socket is not read from. */
const WAITING = 64;
/** Milliseconds between pings; a client that answered none since the last one is gone. */
const PING_MS = 30_000;
/** Milliseconds that a client may take to answer a close. */
const CLOSE_MS = 1_000;
const GOING_AWAY = 1_001;
const UNSUPPORTED_DATA = 1_003;
const PERMISSIONS = ["read", "write", "admin"];

const SILENT = new Failure(408, "Say within ten seconds what you subscribe to, or publish.");
const ENDS: Record<EndReason | "taken over", Failure> = {
  stopping: new Failure(503, "The server is shutting down; come back."),
  revoked: new Failure(401, "The API key is not valid any more."),
  removed: new Failure(410, "The subscription was removed."),
  "taken over": new Failure(409, "Another connection reads this subscription now."),
};

/** One client: at most one subscription, and whatever it publishes. */
export class Connection implements OpenReader {
  private readonly writer: FrameWriter;
  private readonly hello: NodeJS.Timeout;
  private caller: Caller | undefined;
  private subscriber: Subscriber | undefined;
  private opened: OpenReader["subscription"];
  private waiting = 0;
  private turns: Promise<void> = Promise.resolve();
  private isAlive = true;
  private pingedAt: number;
  private over = false;

  constructor(
    private readonly parts: ConnectionParts,
    private readonly webSocket: WebSocket,
    socket: Duplex,
    private readonly encoding: Encoding,
    /** Of the request's header. */
    private readonly bearer: string | undefined,
  ) {
    this.writer = new FrameWriter(socket, parts.turn);
    this.pingedAt = parts.now();
    this.hello = setTimeout(() => this.fail(SILENT), limits.webSocketHelloMs).unref();
    webSocket.on("message", (data, isBinary) => this.received(data, isBinary));
    webSocket.on("pong", () => {
      this.isAlive = true;
    });
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("close", () => this.closed());
  }

  get credential(): Caller {
    if (this.caller === undefined) throw new TypeError("nobody knows yet who this is");
    return this.caller;
  }

  get subscription(): OpenReader["subscription"] {
    return this.opened;
  }

  get isWaiting(): boolean {
    return this.subscriber?.isWaiting ?? false;
  }

  get lag(): number {
    return this.subscriber?.lag ?? 0;
  }

  end(reason: EndReason | "taken over"): void {
    this.fail(ENDS[reason], reason === "stopping" ? GOING_AWAY : undefined);
  }

  /** Once a second. */
  tick(now: number): void {
    if (this.over) return;
    this.subscriber?.tick(now);
    if (now - this.pingedAt < PING_MS) return;
    if (!this.isAlive) {
      this.webSocket.terminate();
      return;
    }
    this.isAlive = false;
    this.pingedAt = now;
    this.webSocket.ping();
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.over) return;
    try {
      this.handle(parseMessage(decodeMessage(this.encoding, data as Buffer, isBinary)));
    } catch (error) {
      if (error instanceof Undecodable) this.fail(new Failure(400, error.message), UNSUPPORTED_DATA);
      else this.failed(error);
    }
  }

  private handle(message: ClientMessage): void {
    switch (message.type) {
      case "ping":
        this.send({ type: "pong" });
        return;
      case "ack":
        if (this.subscriber?.acknowledge(message.position)) return;
        throw new Failure(400, "position: nothing was told up to there.", true);
      case "credit":
        if (this.subscriber?.addCredit(message.credit)) return;
        throw new Failure(400, `credit: at most ${limits.subscriberCredit}, of a subscription.`, true);
      default:
        this.enqueue(message);
    }
  }

  /** One after another, since the first one says who speaks. */
  private enqueue(message: Subscribe | Publish): void {
    if (++this.waiting >= WAITING) this.webSocket.pause();
    this.turns = this.turns.then(async () => {
      try {
        if (!this.over)
          await (message.type === "subscribe" ? this.subscribe(message) : this.publish(message));
      } catch (error) {
        this.failed(error, message.type === "publish" ? message.ref : undefined);
      }
      if (this.waiting-- === WAITING) this.webSocket.resume();
    });
  }

  private async subscribe(message: Subscribe): Promise<void> {
    const { namespace } = await this.callerFor(message, "read");
    if (this.subscriber !== undefined) throw new Failure(409, "This connection has a subscription already.");
    const { to } = message;
    const begun =
      "subscription" in to ? await this.open(to.subscription) : await this.adHoc(to.filters, message.from);
    if (this.over) {
      await begun.held?.release();
      return;
    }
    const from = typeof message.from === "number" ? message.from : begun.from;
    const { writer, encoding, parts } = this;
    const { held } = begun;
    const subscriber = new Subscriber({
      writer,
      encoding,
      credit: message.credit,
      held,
      count: parts.delivered,
    });
    const { log, feeds, readers, logger } = parts;
    const cursor = new EventCursor(
      { log, feeds, namespace, filters: begun.filters, sink: subscriber, readers, logger },
      from,
    );
    this.subscriber = subscriber;
    held?.onLost(() => this.end("taken over"));
    this.send({ type: "subscribed", position: from, ...("subscription" in to ? to : {}) });
    subscriber.begin(cursor, from, parts.now());
  }

  private async adHoc(filters: readonly registry.EventFilter[], from: Subscribe["from"]): Promise<Begun> {
    const { log } = this.parts;
    const stream = signalsStream((this.caller as Caller).namespace.id);
    const end = endOf(await log.lastSequence(stream));
    // A server that is parted from the others tells an old end.
    if (typeof from === "number" && from > end && from > endOf(await log.settledEnd(stream)))
      throw new Failure(400, "from: lies behind the end of the log.");
    return { filters, from: from === "beginning" ? 0 : end, held: undefined };
  }

  private async open(id: string): Promise<Begun> {
    const { known, records, holder } = this.parts;
    const { key, namespace } = this.caller as Caller;
    const found = await known.subscriptions.get(deviceKey(namespace.id, id));
    if (found === undefined) throw new Failure(404, `There is no subscription "${id}".`);
    checkReadable(found, key);
    this.opened = { namespace: namespace.id, id };
    const held = await records.acquire(namespace.id, id, {
      holder,
      via: "websocket",
      startAfter: found.after,
    });
    return { filters: found.filters, from: held.record.position, held };
  }

  private async publish({ ref, event, ...login }: Publish): Promise<void> {
    const { key, namespace } = await this.callerFor(login, "write");
    if (event instanceof InvalidEvent) throw new Failure(400, `event: ${event.message}.`, true);
    const publisher = { namespace: namespace.id, kind: "key", id: key.id, budget: key.budget } as const;
    // The next one need not wait until this one is on disk: one connection's events share commits, in their order.
    const span = { "fieldlog.namespace": namespace.id };
    const published = withTraceParent(undefined, "websocket publish", span, () =>
      this.parts.publishing.publish(publisher, event, { traceParent: currentTraceParent() ?? "" }),
    );
    void published.then(
      (outcome) => this.answerPublish(ref, outcome),
      (error: unknown) => this.failed(error, ref),
    );
  }

  private answerPublish(ref: Publish["ref"], outcome: EventOutcome): void {
    if (outcome.kind === "stored") {
      this.send({ type: "published", ...(ref === undefined ? {} : { ref }), position: outcome.position });
    } else this.failed(publishFailure(outcome), ref);
  }

  private async callerFor(login: Pick<Subscribe, "key" | "namespace">, needed: string): Promise<Caller> {
    const { known, now, open } = this.parts;
    if (this.caller === undefined) {
      this.caller = await callerOf(known, login.key ?? this.bearer, login.namespace, now());
      if (open.room() === "full") throw new Failure(503, "There are too many connections already.");
      clearTimeout(this.hello);
      if (!this.over) open.add(this);
    }
    const { key } = this.caller;
    if (PERMISSIONS.indexOf(key.permission) < PERMISSIONS.indexOf(needed)) {
      throw new Failure(403, `This takes a key with permission ${needed}.`, true);
    }
    return this.caller;
  }

  private failed(error: unknown, ref?: Publish["ref"]): void {
    const failure = failureOf(error);
    if (failure.status === 500) {
      const namespace = this.caller?.namespace.id;
      this.parts.logger.error({ err: error, namespace }, "a message could not be handled");
    }
    if (!failure.goesOn) this.fail(failure);
    else this.tell(failure, ref);
  }

  /** Tells why, and closes. */
  private fail(failure: Failure, code: number = failure.closeCode): void {
    if (this.over) return;
    this.tell(failure);
    this.over = true;
    this.subscriber?.end();
    // What waits leaves first.
    this.writer.flush();
    this.webSocket.close(code, failure.detail.slice(0, 100));
    setTimeout(() => this.webSocket.terminate(), CLOSE_MS).unref();
  }

  private tell({ status, detail }: Failure, ref?: Publish["ref"]): void {
    const { failures } = this.parts;
    failures.set(status, (failures.get(status) ?? 0) + 1);
    this.send({ type: "error", ...(ref === undefined ? {} : { ref }), status, detail });
  }

  private send(message: object): void {
    if (this.over || this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.writer.write(messageFrame(this.encoding, message));
  }

  private closed(): void {
    this.over = true;
    clearTimeout(this.hello);
    this.subscriber?.end();
    this.parts.open.delete(this);
  }
}

interface Begun {
  readonly filters: readonly registry.EventFilter[];
  readonly from: Position;
  readonly held: Held | undefined;
}

function checkReadable(found: KnownSubscription, key: Caller["key"]): void {
  if (!mayRead(key, found)) {
    throw new Failure(403, "This subscription is another's: that takes a key with permission write.");
  }
  if (found.delivery === "webhook") {
    throw new Failure(409, "This subscription is delivered to its webhook, and not otherwise.");
  }
}

function publishFailure(outcome: Exclude<EventOutcome, { kind: "stored" }>): Failure {
  switch (outcome.kind) {
    case "unknown-device":
      return new Failure(400, `event.device: ${outcome.detail}.`, true);
    case "disabled":
      return new Failure(423, "The namespace is disabled.", true);
    case "too-large":
      return new Failure(413, outcome.detail, true);
    case "exhausted":
      return new Failure(429, `Too many requests with this key; again after ${outcome.retryAfterS} s.`, true);
    case "unavailable":
      return new Failure(503, `The log cannot take it; again after ${outcome.retryAfterS} s.`, true);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof InvalidMessage) return new Failure(400, error.message);
  if (error instanceof RpcError || error instanceof LoadsExceeded || error instanceof LogUnavailable) {
    return new Failure(503, "A service or the log does not answer; come back.");
  }
  return new Failure(500, "The server failed.");
}
