import type { Edge, KnownNamespace } from "@fieldlog/admission";
import type { AggregateId, Position, registry } from "@fieldlog/contracts";
import { EventCursor, EventFeeds, Slots } from "@fieldlog/fan-out";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyReply } from "fastify";
import { EventStream } from "./event-stream.js";
import { type Credential, OpenReaders } from "./open-readers.js";

/** Cursors that read the log at once; the others, as far as they are behind, wait for their turn. */
const READERS = 32;
/** Milliseconds that streams have to send what they hold when the server stops. */
const STOP_MS = 3_000;

export interface EventStreamsParts extends Pick<Edge, "log" | "known"> {
  readonly logger: Pick<Logger, "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Who reads a namespace's events from this edge as they come: each is a cursor over the log. */
export class EventStreams {
  readonly open: OpenReaders;
  readonly feeds: EventFeeds;
  private readonly readers = new Slots(READERS);

  constructor(private readonly parts: EventStreamsParts) {
    this.open = new OpenReaders(parts.known, parts.now);
    this.feeds = new EventFeeds(parts);
  }

  start(): void {
    this.open.start();
  }

  /** Ends what is open; a client comes back with the position that it has. */
  async stop(): Promise<void> {
    await this.open.stop(STOP_MS);
    await this.feeds.stop();
  }

  /** A decision, after what it changes was dropped from memory. */
  decided(id: AggregateId): void {
    this.open.decided(id);
  }

  /** Answers with the events of the namespace that match, after a position, for as long as the client listens. */
  stream(
    reply: FastifyReply,
    asked: {
      readonly credential: Credential;
      readonly namespace: KnownNamespace;
      readonly filters: readonly registry.EventFilter[];
      readonly after: Position;
    },
  ): void {
    const { now } = this.parts;
    const { credential, namespace, filters, after } = asked;
    this.open.checkRoom();
    const stream = new EventStream({
      ...{ response: reply.raw, credential, now },
      onClosed: (closed) => this.open.delete(closed),
    });
    const cursor = this.cursor({ namespace, filters, sink: stream }, after);
    reply.hijack();
    this.open.add(stream);
    stream.begin(cursor, after);
  }

  private cursor(
    of: Pick<ConstructorParameters<typeof EventCursor>[0], "namespace" | "filters" | "sink">,
    after: Position,
  ): EventCursor {
    const { log, logger } = this.parts;
    const { feeds, readers } = this;
    return new EventCursor({ ...of, log, feeds, readers, logger }, after);
  }
}
