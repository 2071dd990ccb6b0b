import type { Position, registry } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { type EventNamespace, type LoggedEvent, readEvents } from "@fieldlog/events";
import { FilterIndex } from "@fieldlog/filters";
import type { Logger } from "@fieldlog/runtime";
import { Cursor } from "./cursor.js";
import { Feeds } from "./feeds.js";
import type { Index, Kind, ReadCommit } from "./kind.js";
import type { Slots } from "./slots.js";

/** Whoever gets events: a socket, a stream, a webhook, a poller. */
export interface EventSink {
  /** Asked before each event. */
  hasRoom(): boolean;
  /** Resolves to true once there is room, to false after `ms` without. */
  roomed(ms?: number): Promise<boolean>;
  /** In the log's order. The same event is the same object for all sinks of a process that are up to date. */
  deliver(event: LoggedEvent): void;
  /** The cursor has moved, also over what is not for it. While it is up to date, it is not told. */
  moved?(): void;
  /** The cursor has come to the end of what there is; the rest is delivered as it comes. */
  caughtUp?(): void;
}

interface Wanted {
  readonly filters: readonly registry.EventFilter[];
  readonly after: Position;
}

interface EventCommit extends ReadCommit<LoggedEvent> {}

/** The feeds of events: one per namespace with subscribers, for all the ways out of a process. */
export class EventFeeds extends Feeds<LoggedEvent, EventCommit, Wanted> {
  private readonly names: Map<string, string>;

  constructor(parts: {
    readonly log: Pick<EventLog, "read" | "lastSequence">;
    readonly logger: Pick<Logger, "warn" | "error">;
  }) {
    const names = new Map<string, string>();
    super({ ...parts, kind: eventKind(names) });
    this.names = names;
  }

  /** By which name events tell their namespace. Names never change. */
  named({ id, name }: EventNamespace): void {
    this.names.set(id, name);
  }
}

export interface EventCursorParts {
  readonly log: Pick<EventLog, "read">;
  readonly feeds: EventFeeds;
  readonly namespace: EventNamespace;
  /** Any of which may hold. */
  readonly filters: readonly registry.EventFilter[];
  readonly sink: EventSink;
  /** Bounds how many cursors read the log at the same time. */
  readonly readers: Slots;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** Told each time that it has to read the log. */
  readonly onCatchUp?: () => void;
}

/** One subscriber of events: what matches its filters after a position, each once, in the log's order. */
export class EventCursor {
  private readonly cursor: Cursor<LoggedEvent, EventCommit, Wanted, true>;

  constructor(parts: EventCursorParts, after: Position) {
    const { filters, sink, namespace, feeds, ...others } = parts;
    feeds.named(namespace);
    const outlet = {
      terms: ({ length }: readonly Wanted[]) => (length > 0 ? (true as const) : undefined),
      hasRoom: () => sink.hasRoom(),
      roomed: (ms?: number) => sink.roomed(ms),
      deliver: (_: EventCommit, event: LoggedEvent) => sink.deliver(event),
      moved: () => sink.moved?.(),
      caughtUp: () => sink.caughtUp?.(),
    };
    this.cursor = new Cursor({ ...others, feeds, namespace: namespace.id, outlet }, after);
    this.cursor.add({ filters, after });
  }

  /** Everything up to here was delivered, or is not for it. */
  get position(): Position {
    return this.cursor.position;
  }

  get isBehind(): boolean {
    return this.cursor.isBehind;
  }

  /** Commits between it and the newest one known. */
  get lag(): number {
    return this.cursor.lag;
  }

  /** Nothing is delivered before. */
  start(): void {
    this.cursor.start();
  }

  end(): void {
    this.cursor.end();
  }
}

function eventKind(names: ReadonlyMap<string, string>): Kind<LoggedEvent, EventCommit, Wanted> {
  return {
    read(namespace, sequence, data, onError) {
      const name = names.get(namespace) ?? namespace;
      const messages = eventsOf({ id: namespace, name }, sequence, data, onError);
      return { sequence, messages, bytes: messages.reduce((sum, { bytes }) => sum + bytes, 0) };
    },
    index: (subscriptionOf) => new EventIndex(subscriptionOf),
  };
}

function eventsOf(
  namespace: EventNamespace,
  sequence: number,
  data: Uint8Array,
  onError: (error: Error) => void,
): readonly LoggedEvent[] {
  try {
    return readEvents(sequence, data, namespace);
  } catch (error) {
    onError(error as Error);
    return [];
  }
}

class EventIndex<T> implements Index<LoggedEvent, T> {
  private readonly filters = new FilterIndex<T>();

  constructor(private readonly subscriptionOf: (value: T) => Wanted) {}

  add(value: T): void {
    this.filters.add(this.subscriptionOf(value).filters, value);
  }

  delete(value: T): void {
    this.filters.delete(value);
  }

  match(event: LoggedEvent, visit: (value: T) => void): void {
    this.filters.match(event, visit);
  }

  each(visit: (value: T) => void): void {
    this.filters.each(visit);
  }
}
