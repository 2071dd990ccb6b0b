import { setTimeout as sleep } from "node:timers/promises";
import { endOf, limits, type Position, sequenceOf, signalsStream } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable } from "@fieldlog/event-log";
import { Feeds, Slots } from "@fieldlog/fan-out";
import type { Logger } from "@fieldlog/runtime";
import { nuid } from "@nats-io/transport-node";
import { type PublishedFeeds, type PublishedKind, publishedKind } from "../subscriptions/published.js";
import { SharedFeeds } from "../subscriptions/shared-feeds.js";
import { ClientSession, type SessionParts } from "./client-session.js";
import { type Counts, noCounts } from "./counts.js";
import { type Claim, type ClaimAnswer, Edges, isLater } from "./edges.js";
import { SessionLost, SessionNotYours } from "./errors.js";
import { forgetSessions } from "./forget.js";
import { withImplicit } from "./implicit.js";
import { LazyWrites } from "./lazy-writes.js";
import { Newest } from "./newest.js";
import type { SessionRecord } from "./record.js";
import type { RecordWriter } from "./record-writer.js";
import type { Retained } from "./retained.js";
import { SessionQuota } from "./session-quota.js";
import { RecordConflict, type SessionKey, SessionStore, type StoredSession } from "./store.js";
import { sweep } from "./sweep.js";
import { Turns } from "./turns.js";
import type { OpenSession, PublishWill, Session } from "./types.js";
import { disconnected, hasExpired, Wills } from "./wills.js";

export interface SessionsOptions {
  readonly log: EventLog;
  /** Copies of each record in a cluster. */
  readonly replicas: number;
  readonly retained: Retained;
  readonly publishWill: PublishWill;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** ms since 1970 UTC. Default: the clock. */
  readonly now?: () => number;
}

/** Sessions that read the log at the same time. */
const READERS = 32;
/** Times that a client id is claimed anew after another edge was faster. */
const ATTEMPTS = 8;
/** Milliseconds within which two that connect under one id do so at once: the later one by their clocks stays. */
const AT_ONCE_MS = 5_000;
const SWEEP_MS = 60_000;
/** Milliseconds after the start, when it is known which other edges are alive. */
const FIRST_SWEEP_MS = 7_000;
/** Milliseconds for which the last write of a session is tried again. */
const DEPART_MS = 60_000;
const PAUSE_MS = 1_000;
/** Sessions that are ended at the same time when the edge stops. */
const STOP_AT_ONCE = 64;

type Parts = Omit<SessionParts, "depart" | "store"> & {
  readonly store: SessionStore;
  /** Of namespaces, by their ids; they never change. */
  readonly names: Map<string, string>;
};

/** The sessions of MQTT clients that are connected to this edge. */
export class Sessions {
  private readonly connected = new Map<string, ClientSession>();
  /** Clients that are connecting here, and those that did so just now. */
  private readonly claims = new Map<string, Claim>();
  private readonly turns = new Turns();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly sessionParts: SessionParts;
  private sweeping: Promise<void> | undefined;
  private stopped = false;

  private constructor(
    private readonly options: SessionsOptions,
    private readonly parts: Parts,
    private readonly wills: Wills,
    private readonly quota: SessionQuota,
    private readonly edges: Edges,
  ) {
    const depart = (session: ClientSession, publishWill: boolean) => this.depart(session, publishWill);
    this.sessionParts = { ...parts, depart };
  }

  /** Makes the bucket of records where there is none. */
  static async create(options: SessionsOptions): Promise<Sessions> {
    const { log, logger, retained, publishWill, now = Date.now } = options;
    const { connection } = log;
    const store = await SessionStore.open(connection, options.replicas);
    const counts = noCounts();
    const names = new Map<string, string>();
    const kind = publishedKind(names);
    const feeds = new Feeds({ kind, log, logger });
    const parts = {
      ...{ log, store, retained, logger, counts, now, names, feeds },
      shared: new SharedFeeds(log, shownOf(kind, feeds), logger),
      lazy: new LazyWrites(),
      newest: new Newest(log),
      readers: new Slots(READERS),
    };
    const wills = new Wills({ store, publishWill, logger, counts, now });
    const edges = new Edges({
      ...{ connection, logger },
      onClaim: (claim) => sessions.answer(claim),
      onGone: () => sessions.sweepSoon(),
    });
    const sessions: Sessions = new Sessions(options, parts, wills, new SessionQuota(store), edges);
    return sessions;
  }

  get counts(): Counts {
    return this.parts.counts;
  }

  async start(): Promise<void> {
    await this.edges.start();
    this.timers.push(
      setTimeout(() => this.sweepSoon(), FIRST_SWEEP_MS).unref(),
      setInterval(() => {
        for (const session of this.connected.values()) session.refresh();
        if (this.edges.isFirst) this.sweepSoon();
      }, SWEEP_MS).unref(),
    );
  }

  /** Ends all connections, persists all sessions, and publishes the wills that are due. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    const all = [...this.connected.values()];
    while (all.length > 0) {
      await Promise.all(all.splice(0, STOP_AT_ONCE).map((each) => each.endConnection("administrative")));
    }
    this.edges.stop();
    this.wills.stop();
    this.parts.lazy.stop();
    await Promise.all([this.sweeping, this.parts.feeds.stop(), this.parts.shared.stop()]);
  }

  /**
   * The session for a client that connects, taken over from wherever the client id is connected [MQTT-3.1.4-3].
   * Nothing is delivered before its start().
   *
   * @returns `present`: it was resumed [MQTT-3.2.2-3]
   * @throws SessionNotYours, SessionLost (another connects under the same id at once), QuotaExceeded, LogUnavailable
   */
  open(open: OpenSession): Promise<{ session: Session; present: boolean }> {
    const { namespace, clientId, principal } = open;
    const key = keyOf(open);
    this.parts.names.set(namespace, open.namespaceName);
    return this.turns.run(key, async () => {
      if (this.stopped) throw new LogUnavailable("this edge is stopping");
      if (!this.options.log.isConnected) throw new LogUnavailable("not connected to NATS");
      const claim: Claim = { namespace, clientId, principal, edge: this.edges.id, at: this.parts.now() };
      this.claims.set(key, claim);
      try {
        return await this.claimInTurn(open, claim);
      } finally {
        setTimeout(() => {
          if (this.claims.get(key) === claim) this.claims.delete(key);
        }, AT_ONCE_MS).unref();
      }
    });
  }

  /** For metrics. */
  state() {
    let behind = 0;
    let lag = 0;
    let inFlight = 0;
    for (const session of this.connected.values()) {
      if (session.isBehind) behind++;
      lag = Math.max(lag, session.lag);
      inFlight += session.inFlight;
    }
    const { feeds, shared, lazy } = this.parts;
    return {
      ...{ connected: this.connected.size, behind, lag, inFlight, edges: this.edges.count },
      ...{
        feeds: feeds.size,
        windowBytes: feeds.windowBytes,
        sharedFeeds: shared.size,
        unwritten: lazy.size,
      },
    };
  }

  private async claimInTurn(open: OpenSession, claim: Claim) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.claim(open, claim);
      } catch (error) {
        if (!(error instanceof RecordConflict)) throw error;
        if (attempt === ATTEMPTS) throw new SessionLost(open.clientId);
      }
    }
  }

  private async claim(open: OpenSession, claim: Claim): Promise<{ session: Session; present: boolean }> {
    const key = keyOf(open);
    const { store, now } = this.parts;
    const here = this.connected.get(key);
    if (here !== undefined) await this.takeOverHere(here, open);
    let stored = await store.get(open);
    if (stored !== undefined && hasExpired(stored.record, now())) stored = await this.bury(stored);
    if (stored !== undefined && !mayHave(open.principal, stored.record)) {
      throw new SessionNotYours(open.namespace, open.clientId);
    }
    stored = await this.takeOverElsewhere(open, claim, stored);
    if (stored !== undefined) stored = await this.settleWill(open, stored);

    const resumed = stored !== undefined && !open.cleanStart ? stored.record : undefined;
    const record = await this.begin(open, resumed);
    const revision = await this.record(open, record, stored);
    // Whoever claimed it later while this was under way has it.
    if (this.claims.get(key) !== claim) throw new SessionLost(open.clientId);
    const session = new ClientSession(this.sessionParts, open, record, revision);
    this.connected.set(key, session);
    return { session, present: resumed !== undefined };
  }

  private async takeOverHere(session: ClientSession, open: OpenSession): Promise<void> {
    if (session.principal !== open.principal) throw new SessionNotYours(open.namespace, open.clientId);
    this.counts.takeOvers++;
    const late = sleep(limits.appendTimeoutMs, "late", { ref: false });
    if ((await Promise.race([session.endConnection("taken-over"), late])) === "late") {
      throw new LogUnavailable("the session's last connection is still being ended");
    }
  }

  /** Asks the edge that holds the session; without a record, every edge. */
  private async takeOverElsewhere(
    open: OpenSession,
    claim: Claim,
    stored: StoredSession | undefined,
  ): Promise<StoredSession | undefined> {
    const { edges } = this;
    const owner = stored?.record.owner;
    let answers: (ClaimAnswer | undefined)[] = [];
    if (owner === undefined) answers = await edges.askAll(claim);
    else if (owner !== "" && owner !== edges.id) answers = [await edges.ask(owner, claim)];
    if (answers.includes("refused")) throw new SessionNotYours(open.namespace, open.clientId);
    if (answers.includes("mine")) throw new SessionLost(open.clientId);
    if (owner === undefined || owner === "") return stored;
    // It has persisted the session and let go of it; or it does not answer, and the next write decides.
    return this.parts.store.get(open);
  }

  /** The will of the connection before: due, or not any more (section 3.1.3.2.2). */
  private async settleWill(open: OpenSession, stored: StoredSession): Promise<StoredSession | undefined> {
    const { store, now } = this.parts;
    let { record, revision } = stored;
    if (record.owner !== "") record = disconnected(record, true, now());
    if (record.will === undefined || record.willDueAt === undefined) return stored;
    // A clean start ends the session, and with it the delay.
    if (open.cleanStart) record = { ...record, willDueAt: Math.min(record.willDueAt, now()) };
    if (record.willDueAt !== undefined && record.willDueAt > now()) return stored;
    if (record !== stored.record) revision = await store.write(open, record, revision);
    const done = await this.wills.publishDue({ ...stored, record, revision });
    if (!done) throw new LogUnavailable("the will of the last connection could not be stored");
    return store.get(open);
  }

  private async bury(stored: StoredSession): Promise<StoredSession | undefined> {
    const done = await this.wills.publishDue(stored);
    if (!done) throw new LogUnavailable("the will of the last connection could not be stored");
    const left = await this.parts.store.get(stored);
    if (left !== undefined) await this.parts.store.remove(left.revision);
    return undefined;
  }

  private async begin(open: OpenSession, resumed: SessionRecord | undefined): Promise<SessionRecord> {
    const { principal, will } = open;
    const expiryS = Math.min(open.expiryS, limits.mqttSessionS);
    const connection = {
      principal,
      expiryS,
      owner: this.edges.id,
      will: will && { ...will, id: nuid.next() },
    };
    const left = { expiresAt: undefined, willDueAt: undefined };
    const implicit = { ...this.parts, log: this.options.log };
    if (resumed === undefined) {
      const empty = { cursor: 0, subscriptions: [], outbound: [], inbound: [] };
      return withImplicit(implicit, open, { ...connection, ...left, ...empty }, true);
    }
    const cursor = await this.reached(open.namespace, resumed.cursor);
    return withImplicit(implicit, open, { ...resumed, ...connection, ...left, cursor }, false);
  }

  /** The cursor, or the log's end: one that was put back to an earlier state has not yet reached it. */
  private async reached(namespace: string, cursor: Position): Promise<Position> {
    const { newest } = this.parts;
    const sequence = sequenceOf(cursor);
    if (sequence <= (await newest.recent(namespace))) return cursor;
    if (sequence <= (await newest.now(namespace))) return cursor;
    // A server that is parted from the others tells an old end.
    return Math.min(cursor, endOf(await this.options.log.settledEnd(signalsStream(namespace))));
  }

  /** Returns the record's revision; undefined: there is none, because nothing is to outlive the connection. */
  private async record(
    open: OpenSession,
    record: SessionRecord,
    stored: StoredSession | undefined,
  ): Promise<number | undefined> {
    const { store } = this.parts;
    if (record.expiryS > 0 || record.will !== undefined) {
      if (stored === undefined) await this.quota.check(open.namespace);
      return store.write(open, record, stored?.revision ?? 0);
    }
    if (stored !== undefined) await store.remove(stored.revision);
    return undefined;
  }

  /** See {@link Edges}. */
  private async answer(claim: Claim): Promise<ClaimAnswer> {
    const key = keyOf(claim);
    const own = this.claims.get(key);
    const session = this.connected.get(key);
    const holder = session?.principal ?? own?.principal;
    if (holder === undefined) return "yours";
    if (holder !== claim.principal) return "refused";
    if (own !== undefined && isLater(own, claim)) return "mine";
    // One that is connecting here finds out.
    this.claims.delete(key);
    if (session !== undefined) {
      this.counts.takeOvers++;
      await session.endConnection("taken-over");
    }
    return "yours";
  }

  /** Sees to the record and the will of a session whose connection has ended. */
  private async depart(session: ClientSession, publishWill: boolean): Promise<void> {
    const key = keyOf(session.key);
    const until = performance.now() + DEPART_MS;
    while (session.writer !== undefined) {
      try {
        await this.leave(session, session.writer, publishWill);
        break;
      } catch (err) {
        if (err instanceof RecordConflict) break;
        const { clientId } = session.key;
        this.options.logger.warn({ err, clientId }, "a session could not be kept yet");
        if (performance.now() > until || this.options.log.connection.isClosed()) break;
        await sleep(PAUSE_MS);
      }
    }
    if (this.connected.get(key) === session) this.connected.delete(key);
  }

  private async leave(session: ClientSession, writer: RecordWriter, publishWill: boolean): Promise<void> {
    const { store, now } = this.parts;
    const record = disconnected(session.snapshot(), publishWill, now());
    const revision = await writer.end(async (before) => {
      if (record.expiryS > 0 || record.will !== undefined) return store.write(session.key, record, before);
      await store.remove(before);
      return before;
    });
    if (record.willDueAt === undefined) return;
    if (record.willDueAt > now()) this.wills.schedule(session.key, record.willDueAt);
    else await this.wills.publishDue({ ...session.key, record, revision });
  }

  /** The namespace was cleared, or the device removed (empty: all of them). To be told once they are logged out. */
  forget(namespace: string, device: string): void {
    if (this.stopped) return;
    const { store } = this.parts;
    const { logger, log } = this.options;
    const holds = (key: SessionKey) => this.holds(key);
    forgetSessions({ store, holds, logger }, namespace, device).catch((err: unknown) => {
      if (!log.connection.isClosed()) logger.warn({ err, namespace }, "forgetting sessions failed");
    });
  }

  private holds(key: SessionKey): boolean {
    return this.connected.has(keyOf(key)) || this.turns.has(keyOf(key));
  }

  private sweepSoon(): void {
    if (this.stopped || this.sweeping !== undefined) return;
    const { edges, wills, options } = this;
    const { logger } = options;
    const { store, shared, now } = this.parts;
    const holds = (key: SessionKey) => this.holds(key);
    this.sweeping = sleep(Math.random() * 500, undefined, { ref: false })
      .then(() => sweep({ store, edges, wills, shared, holds, logger, now }))
      .catch((err: unknown) => {
        if (!options.log.connection.isClosed()) logger.warn({ err }, "looking through the sessions failed");
      })
      .finally(() => {
        this.sweeping = undefined;
      });
  }
}

/**
 * A session belongs to who made it. API keys of a namespace may read the same, so that one which takes another's
 * place, as keys are rotated, goes on with the sessions whose clients are not connected.
 */
function mayHave(principal: string, { principal: owner, owner: edge }: SessionRecord): boolean {
  if (principal === owner) return true;
  return edge === "" && principal.startsWith("key:") && owner.startsWith("key:");
}

/** Without what erased devices said. */
function shownOf({ read }: PublishedKind, { erased }: PublishedFeeds): Pick<PublishedKind, "read"> {
  return {
    read: (id, sequence, data, onError) => read(id, sequence, erased.without(id, sequence, data), onError),
  };
}

function keyOf({ namespace, clientId }: SessionKey): string {
  return `${namespace}/${clientId}`;
}
