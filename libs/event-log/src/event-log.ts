import { setTimeout as delay } from "node:timers/promises";
import {
  END,
  emptySignals,
  limits,
  type Position,
  positionOf,
  REGISTRY,
  registrySubject,
  type SignalsStream,
  type StreamName,
  shardOf,
  signalsStream,
  signalsSubject,
  streamOfShard,
  unservedShard,
} from "@fieldlog/contracts";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { encodeBatch } from "./batch.js";
import { Clearings } from "./clearings.js";
import { type Durability, describeDurability, readDurability } from "./durability.js";
import { LogUnavailable, unavailable } from "./errors.js";
import { Group, type GroupOptions, idleGroups } from "./group.js";
import { type Batch, type CommitOutcome, GroupCommit } from "./group-commit.js";
import { messageOrNull } from "./message.js";
import { patiently } from "./patiently.js";
import { publish } from "./publish.js";
import { type Commit, type ReadOptions, read, sequenceBefore } from "./read.js";
import { Registry } from "./registry.js";
import { ensureStreams } from "./streams.js";
import { spanOverMany } from "./trace.js";
import { type StreamUsage, usageOf } from "./usage.js";

/** What the log needs of a logger; pino fits. */
export interface LogLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface LogOptions {
  /** `nats://user:password@host:port`, several separated by commas. */
  readonly url: string;
  /** Name of this connection, shown by the server. */
  readonly name: string;
  /** The server's monitoring endpoint; without it nobody can tell whether it flushes. */
  readonly monitorUrl?: string | undefined;
  /** Copies of each stream in a cluster. Default: as many as there are, 1 of a new one. */
  readonly replicas?: number;
  /** Streams that namespaces' signals are spread over. Default 1. */
  readonly shards?: number;
  /** Bytes at which each log refuses more. Default -1: no limit. */
  readonly signalsMaxBytes?: number;
  readonly registryMaxBytes?: number;
  /** "single": one publish per signal, to show what group commit is worth. Default "group". */
  readonly commit?: "group" | "single";
  readonly logger?: LogLogger;
  /** Told of every commit of signals; for metrics. */
  readonly onCommit?: (outcome: CommitOutcome) => void;
}

/** What the operator's settings say of the log. */
export interface LogSettings {
  readonly natsUrl: string;
  readonly natsMonitorUrl?: string | undefined;
  readonly replicas: number;
  readonly shards: number;
  readonly signalsMaxBytes: number;
  readonly registryMaxBytes: number;
  readonly commit: "group" | "single";
}

/** How a service connects to the log that the operator's settings name. */
export function logOptions(settings: LogSettings, service: string, logger: LogLogger): LogOptions {
  const { natsUrl, natsMonitorUrl, replicas, shards, signalsMaxBytes, registryMaxBytes, commit } = settings;
  const limits = { replicas, shards, signalsMaxBytes, registryMaxBytes };
  return { url: natsUrl, monitorUrl: natsMonitorUrl, name: service, ...limits, commit, logger };
}

/**
 * Connects, and makes sure that the streams exist as defined; tries until the server answers, and logs every few seconds
 * why it does not. The connection heals itself for ever; what is asked meanwhile is refused with LogUnavailable.
 */
export async function connectLog(options: LogOptions): Promise<EventLog> {
  const { logger } = options;
  const servers = serversOf(options.url);
  const nc = await untilAnswered(
    `NATS at ${servers.servers}`,
    () => connectTo(servers, options.name),
    logger,
  );
  const jsm = await untilAnswered(
    "JetStream",
    () => jetstreamManager(nc, { timeout: 5_000 }),
    logger,
    () => nc.isClosed(),
  );
  const { replicas, shards = 1, signalsMaxBytes = -1, registryMaxBytes = -1 } = options;
  await patiently(() => ensureStreams(jsm, { replicas, shards, signalsMaxBytes, registryMaxBytes }));
  const durability = await readDurability(options.monitorUrl);
  const line = `durability: ${describeDurability(durability)}`;
  if (durability.mode === "flushed") logger?.info({ durability }, line);
  else logger?.warn({ durability }, line);
  return new EventLog(nc, jsm, durability, options);
}

/** The servers and the credentials (of the first URL that has any) that a list of URLs names. */
export function serversOf(urls: string): { servers: string[]; user?: string; pass?: string; token?: string } {
  const parsed = urls.split(",").map((each) => new URL(each.trim()));
  const servers = parsed.map((url) => `${url.protocol}//${url.host}`);
  const named = parsed.find((url) => url.username !== "");
  if (named === undefined) return { servers };
  const user = decodeURIComponent(named.username);
  // nats://token@host is a token, nats://user:password@host a user.
  return named.password === ""
    ? { servers, token: user }
    : { servers, user, pass: decodeURIComponent(named.password) };
}

function connectTo(servers: ReturnType<typeof serversOf>, name: string): Promise<NatsConnection> {
  return connect({
    ...servers,
    name,
    maxReconnectAttempts: -1,
    // A password that is not good now may be a moment later, while passwords are exchanged.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 3_000,
    // A stack trace for each request, kept for the case that it fails, is a twentieth of what a commit costs.
    noAsyncTraces: true,
  });
}

/** Asks twice a second; every tenth time it logs what it waits for. Raises what was answered last once it is in vain. */
async function untilAnswered<T>(
  whom: string,
  ask: () => Promise<T>,
  logger?: LogLogger,
  isInVain = () => false,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (isInVain()) throw error;
      if (attempt % 10 === 0) logger?.warn({ reason: (error as Error).message }, `waiting for ${whom}`);
      await delay(500);
    }
  }
}

const NOTHING = new Uint8Array();

/** The permanent log: signals by group commit, decisions by expected sequence. */
export class EventLog {
  readonly signals: Pick<GroupCommit, "append" | "pending">;
  readonly registry: Registry;
  readonly clearings: Clearings;
  private readonly groups: GroupCommit;
  private readonly js: JetStreamClient;
  private connected = true;
  /** Each shard's, the first one's first. */
  readonly signalsStreams: readonly SignalsStream[];

  constructor(
    private readonly nc: NatsConnection,
    private readonly jsm: JetStreamManager,
    readonly durability: Durability,
    private readonly options: LogOptions,
  ) {
    this.js = jetstream(nc, { timeout: limits.appendTimeoutMs });
    this.signalsStreams = Array.from({ length: options.shards ?? 1 }, (_, shard) => streamOfShard(shard));
    this.registry = new Registry(this.js, jsm, () => this.connected);
    this.clearings = new Clearings(this.js, jsm);
    this.groups = new GroupCommit((batch) => this.store(batch), {
      ...(options.onCommit ? { onCommit: options.onCommit } : {}),
    });
    this.signals = options.commit === "single" ? this.ungrouped() : this.groups;
    void this.watchConnection();
  }

  /** See {@link read}. */
  read(stream: StreamName, options: ReadOptions): AsyncGenerator<Commit[], void> {
    return read(this.nc, this.jsm, stream, options);
  }

  /** Readers that share commits. See {@link Group.open}. */
  group(options: GroupOptions): Promise<Group> {
    return Group.open(this.nc, this.jsm, options);
  }

  /** See {@link idleGroups}. */
  idleGroups(stream: StreamName, prefix: string): Promise<string[]> {
    return idleGroups(this.jsm, stream, prefix);
  }

  /** Forgets a group's place. */
  async deleteGroup(stream: StreamName, name: string): Promise<void> {
    await this.jsm.consumers.delete(stream, name);
  }

  /**
   * The commit at a sequence; undefined: it was cleared, or there is none yet. Raises LogUnavailable.
   */
  async get(stream: StreamName, sequence: number): Promise<Uint8Array | undefined> {
    this.checkConnected();
    try {
      const found = await messageOrNull(this.jsm, stream, { seq: sequence });
      if (found !== null || (await this.lastSequence(stream)) >= sequence) return found?.data;
      // A server that does not have it yet answers as one that will never have it.
      if ((await this.settledEnd(stream)) < sequence) return undefined;
      return (await messageOrNull(this.jsm, stream, { seq: sequence }))?.data;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * When the first commit with that subject was stored after a sequence; undefined: there is none. Raises LogUnavailable.
   *
   * @param subject default: any
   */
  async timeAfter(stream: StreamName, sequence: number, subject = ">"): Promise<Date | undefined> {
    this.checkConnected();
    try {
      const query = { seq: sequence + 1, next_by_subj: subject };
      return (await messageOrNull(this.jsm, stream, query))?.time;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** The newest sequence that was stored before the time; 0: there is none. Raises LogUnavailable. */
  async sequenceBefore(stream: StreamName, time: Date): Promise<number> {
    this.checkConnected();
    try {
      return await sequenceBefore(this.jsm, stream, time);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** While it is not, everything is refused at once. */
  get isConnected(): boolean {
    return this.connected;
  }

  /** The connection, for what replicas tell each other and for records that are not of the log. */
  get connection(): NatsConnection {
    return this.nc;
  }

  /** The stream's newest sequence; 0: it is empty. Raises LogUnavailable. */
  async lastSequence(stream: StreamName): Promise<number> {
    return (await this.newest(stream)).sequence;
  }

  /** The stream's newest commit, and when the server stored it; sequence 0: it is empty. Raises LogUnavailable. */
  async newest(stream: StreamName): Promise<{ sequence: number; time: Date }> {
    this.checkConnected();
    try {
      const { state } = await this.jsm.streams.info(stream);
      return { sequence: state.last_seq, time: new Date(state.last_ts) };
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * A sequence up to which everything stands that was acknowledged until now. In a cluster a server that is parted from
   * the others goes on telling an end that is not for 10 to 20 s, as {@link lastSequence} does; there a commit without
   * signals, or a decision without events, is appended, which more than half of the servers have to confirm.
   * Raises LogUnavailable.
   */
  async settledEnd(stream: StreamName): Promise<number> {
    this.checkConnected();
    try {
      const { state, config } = await this.jsm.streams.info(stream);
      if (config.num_replicas === 1) return state.last_seq;
      const subject = stream === REGISTRY ? registrySubject(END) : emptySignals(stream);
      // A batch without signals has no bytes, nor has a decision of which nothing is said.
      return await publish(this.js, { subject, data: NOTHING, stream });
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** What a stream takes up, and how it stands with its copies. Raises LogUnavailable. */
  async usage(stream: StreamName): Promise<StreamUsage> {
    this.checkConnected();
    try {
      return usageOf(await this.jsm.streams.info(stream));
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Why the log cannot be used just now; undefined: it can. */
  async ready(): Promise<string | undefined> {
    if (!this.connected) return "not connected to NATS";
    try {
      await Promise.all(this.signalsStreams.map((stream) => this.lastSequence(stream)));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Waits for what is in flight, then closes the connection. */
  async close(): Promise<void> {
    await this.groups.idle();
    await this.nc.close();
  }

  private checkConnected(): void {
    if (!this.connected) throw new LogUnavailable("not connected to NATS");
  }

  private async store(batch: Batch): Promise<number> {
    this.checkConnected();
    const { namespace, data, count, traceParents } = batch;
    if (shardOf(namespace) >= this.signalsStreams.length) throw new LogUnavailable(unservedShard(namespace));
    const attributes = {
      "messaging.system": "nats",
      "messaging.batch.message_count": count,
      "fieldlog.namespace": namespace,
    };
    return spanOverMany("commit", traceParents, attributes, (traceParent) =>
      publish(this.js, {
        ...{ subject: signalsSubject(namespace), data, stream: signalsStream(namespace), traceParent },
      }),
    );
  }

  /** One commit per signal, for the comparison that shows what group commit is worth. */
  private ungrouped() {
    let pending = 0;
    const append = async (namespace: string, signal: Uint8Array, traceParent?: string): Promise<Position> => {
      pending++;
      try {
        const data = encodeBatch([signal]);
        const traceParents = traceParent === undefined ? [] : [traceParent];
        return positionOf(await this.store({ namespace, data, count: 1, traceParents }), 0);
      } finally {
        pending--;
      }
    };
    return {
      append,
      get pending() {
        return pending;
      },
    };
  }

  private async watchConnection(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === "disconnect") this.connected = false;
      else if (status.type === "reconnect") this.connected = true;
      else continue;
      const fields = { connection: this.options.name };
      if (this.connected) this.options.logger?.info(fields, "connected to NATS again");
      else this.options.logger?.warn(fields, "lost the connection to NATS; trying again");
    }
    this.connected = false;
  }
}
