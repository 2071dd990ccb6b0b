import {
  type Credential,
  type Edge,
  type KnownNamespace,
  type KnownSubscription,
  OpenReaders,
} from "@fieldlog/admission";
import { type AggregateId, limits, type Position, type registry } from "@fieldlog/contracts";
import {
  type Count,
  type CursorRecords,
  EventCursor,
  EventFeeds,
  type EventSink,
  Slots,
} from "@fieldlog/fan-out";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyReply } from "fastify";
import { Problem } from "../problem.js";
import { EventStream, type EventStreamParts } from "./event-stream.js";
import { Poll, type Polled } from "./poll.js";
import { Polls } from "./polls.js";
import { checkPast } from "./subscribed.js";

/** Cursors that read the log at once; the others, as far as they are behind, wait for their turn. */
const READERS = 32;
/** Milliseconds that streams have to send what they hold when the server stops. */
const STOP_MS = 3_000;

export interface EventStreamsParts extends Pick<Edge, "log" | "known"> {
  readonly records: CursorRecords;
  /** Names the replica in records. */
  readonly holder: string;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

interface Asker {
  readonly credential: Credential;
  readonly namespace: KnownNamespace;
}

/** Who reads a namespace's events from this edge as they come: each is a cursor over the log. */
export class EventStreams {
  readonly open: OpenReaders;
  /** Events delivered, by the way they went. */
  readonly counts: Readonly<Record<"sse" | "poll", Count>> = { sse: { count: 0 }, poll: { count: 0 } };
  private readonly feeds: EventFeeds;
  private readonly polls: Polls;
  private readonly readers = new Slots(READERS);

  constructor(private readonly parts: EventStreamsParts) {
    this.open = new OpenReaders(parts.known, parts.now, limits.eventStreams);
    this.feeds = new EventFeeds(parts);
    this.polls = new Polls(parts.records, parts.holder);
  }

  start(): void {
    this.open.start();
  }

  /** Ends what is open; a client comes back with the position that it has. */
  async stop(): Promise<void> {
    await this.open.stop(STOP_MS);
    this.polls.stop();
    await this.feeds.stop();
    await this.parts.records.close();
  }

  /** A decision, after what it changes was dropped from memory. */
  decided(id: AggregateId): void {
    this.open.decided(id);
  }

  /** Answers with the events of the namespace that match, after a position, for as long as the client listens. */
  stream(
    reply: FastifyReply,
    asker: Asker,
    asked: { readonly filters: readonly registry.EventFilter[]; readonly after: Position },
  ): void {
    this.checkRoom();
    this.begin(reply, asker, asked, {});
  }

  /**
   * Answers with a subscription's events, and notes how far they were sent.
   *
   * @param after behind which to go on; undefined: where the subscription is
   * @throws Problem 400, 503, LogUnavailable
   */
  async streamOf(
    reply: FastifyReply,
    asker: Asker,
    subscription: KnownSubscription,
    after: Position | undefined,
  ): Promise<void> {
    this.checkRoom();
    const { records, holder, log } = this.parts;
    const { namespace, id, filters } = subscription;
    if (after !== undefined) await checkPast(after, "Last-Event-ID", log, namespace);
    const options = { holder, via: "sse", startAfter: subscription.after } as const;
    const progress = await records.acquire(namespace, id, options);
    const from = after ?? progress.record.position;
    const stream = this.begin(reply, asker, { filters, after: from }, { subscription, progress });
    progress.onLost(() => stream.end("taken over"));
  }

  /**
   * A subscription's events, up to `limit`, after waiting for the first one for up to `waitMs`.
   *
   * @param asked.after what its owner has received: acknowledged; undefined: nothing since what was acknowledged before
   * @param asked.atLeast the log's end is not before this
   * @throws Problem 400, 401, 404, 409, 503, LogUnavailable
   */
  async poll(
    asker: Asker,
    subscription: KnownSubscription,
    asked: {
      readonly after: Position | undefined;
      readonly limit: number;
      readonly waitMs: number;
      readonly atLeast: Position;
      /** Told how to break it off. */
      readonly onBegin: (end: () => void) => void;
    },
  ): Promise<Polled> {
    this.checkRoom();
    const { after } = asked;
    const hold = await this.polls.of(subscription);
    const { held } = hold;
    if (after !== undefined) {
      if (after > hold.told) await checkPast(after, "after", this.parts.log, subscription.namespace);
      held.acknowledge(after, 0);
    }
    const poll = new Poll({ ...asked, credential: asker.credential, subscription, count: this.counts.poll });
    asked.onBegin(() => poll.end("gone"));
    const { filters } = subscription;
    const cursor = this.cursor(asker, { filters, sink: poll }, after ?? held.record.position);
    this.open.add(poll);
    hold.asking.add(poll);
    try {
      const polled = await poll.run(cursor);
      checkEnd(poll.ended);
      hold.told = Math.max(hold.told, polled.next);
      const { length } = polled.events;
      held.acknowledge(length > 0 ? held.record.position : polled.next, length);
      return polled;
    } finally {
      hold.asking.delete(poll);
      this.open.delete(poll);
    }
  }

  private checkRoom(): void {
    const room = this.open.room();
    if (room === "full") throw new Problem(503, "There are too many streams already.", { retryAfterS: 10 });
    if (room === "stopping") throw new Problem(503, "The server is shutting down.", { retryAfterS: 1 });
  }

  private begin(
    reply: FastifyReply,
    asker: Asker,
    { filters, after }: { readonly filters: readonly registry.EventFilter[]; readonly after: Position },
    more: Pick<EventStreamParts, "subscription" | "progress">,
  ): EventStream {
    const stream = new EventStream({
      ...{ response: reply.raw, credential: asker.credential, now: this.parts.now, count: this.counts.sse },
      ...more,
      onClosed: (closed) => this.open.delete(closed),
    });
    const cursor = this.cursor(asker, { filters, sink: stream }, after);
    reply.hijack();
    this.open.add(stream);
    stream.begin(cursor, after);
    return stream;
  }

  private cursor(
    { namespace }: Asker,
    of: { readonly filters: readonly registry.EventFilter[]; readonly sink: EventSink },
    after: Position,
  ): EventCursor {
    const { log, logger } = this.parts;
    const { feeds, readers } = this;
    return new EventCursor({ ...of, namespace, log, feeds, readers, logger }, after);
  }
}

/** Raises the Problem that the asker is to be told when its question was broken off. */
function checkEnd(ended: Poll["ended"]): void {
  if (ended === "revoked") throw new Problem(401, "The API key is not valid any more.");
  if (ended === "removed") throw new Problem(404, "The subscription was removed.");
  if (ended === "taken over") throw new Problem(409, "The subscription is read by another now.");
}
