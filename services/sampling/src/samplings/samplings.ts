import { randomUUID } from "node:crypto";
import type { Aggregates, Id } from "@fieldlog/aggregates";
import type { devices, registry, remote } from "@fieldlog/contracts";
import { InvalidField, type Outcome, type Snapshot, type Transaction } from "@fieldlog/decider";
import { type RemoteDevices, RemoteUnavailable } from "@fieldlog/remote";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";
import { checkAsked, sensorOf } from "./asked.js";
import * as decide from "./decide.js";
import { type Asked, type DeviceSamplings, deviceSamplings, isWaiting } from "./device-samplings.js";
import { UnknownSampling } from "./refusals.js";
import type { FoundSampling, Rows } from "./rows.js";
import { Turns } from "./turns.js";

export interface SamplingsOptions {
  readonly aggregates: Pick<Aggregates, "transact">;
  readonly rows: Pick<Rows, "sampling">;
  readonly remote: Pick<RemoteDevices, "status">;
  readonly devices: Pick<RpcClient<typeof devices.DevicesService>, "getDevice">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Times that a decision is taken on a device on which other replicas decide at the same time. */
const ATTEMPTS = 24;
/** Devices whose newest state is remembered, and for how many milliseconds. */
const SEEN = 2_000;
const SEEN_MS = 60_000;
/** Characters of a device's own words that are kept. */
const REASON_LENGTH = 300;

/**
 * What devices are asked to sample. Ids are a namespace's and a device's. Raises the refusals of its decisions, and what
 * Aggregates raises.
 */
export class Samplings {
  private readonly turns = new Turns();
  /** A device tells its steps sooner than the table has the one before. */
  private readonly seen = new LRUCache<string, Snapshot<DeviceSamplings>>({ max: SEEN, ttl: SEEN_MS });

  constructor(private readonly options: SamplingsOptions) {}

  /**
   * Asks a device. Sent at once if it is connected and free; otherwise it waits for its turn.
   * Raises InvalidField, TooManySamplings, and RpcError not_found: there is no such device.
   */
  async request(
    id: Id,
    given: registry.SamplingRequested | undefined,
    decidedBy: string,
  ): Promise<FoundSampling & { readonly sequence: number }> {
    const checked = checkAsked(given);
    const sampling = randomUUID();
    // Asked for while the state is looked up.
    const found = this.whoIsAsked(id, checked);
    found.catch(() => undefined);
    const { snapshot } = await this.decide(id, decidedBy, async (state, now) => {
      const { asked, connection } = await found;
      return decide.request(sampling, asked, connection, now)(state);
    });
    return { ...foundIn(snapshot.state, id.id, sampling), sequence: snapshot.sequence };
  }

  /** Of one that has ended: nothing. Returns the sequence of the decision. Raises UnknownSampling. */
  async cancel(id: Id, sampling: string, decidedBy: string): Promise<number> {
    try {
      const { snapshot } = await this.decide(id, decidedBy, decide.cancel(sampling));
      return snapshot.sequence;
    } catch (error) {
      if (!(error instanceof UnknownSampling)) throw error;
      // One that ended long ago is in the table alone.
      const found = await this.options.rows.sampling(id.namespace, sampling);
      if (found?.device !== id.id) throw error;
      return 0;
    }
  }

  /** What a device says of what it works on, "refused" included. Returns which that is; empty: it works on none. */
  async report(
    id: Id,
    said: { step: string; percent: number | undefined; error: string; connection: string },
  ): Promise<string> {
    const { step, percent, error, connection } = said;
    const { result } = await this.decide(id, `device:${id.id}`, (state, now) => {
      if (step === "refused") return decide.refuse(reasonOf(error), connection, now)(state);
      if (!decide.isStep(step)) throw new InvalidField("step", "is none");
      return decide.report(step, percentOf(percent), connection, now)(state);
    });
    return result;
  }

  /** The device is there: what waits for it is sent. */
  async connected(id: Id, connection: string): Promise<void> {
    await this.decide(id, `device:${id.id}`, (state, now) => decide.connected(connection, now)(state));
  }

  async disconnected(id: Id, connection: string): Promise<void> {
    const { snapshot, appended } = await this.decide(id, `device:${id.id}`, decide.disconnected(connection));
    if (appended) await this.goOn(id, snapshot.state);
  }

  /** What it was for is stored. */
  async arrive(id: Id, sampling: string, sample: { id: string; number: number }): Promise<void> {
    await this.decide(id, "system", decide.arrive(sampling, sample));
  }

  /** Ends those whose time is over. */
  async expire(id: Id): Promise<void> {
    const { snapshot } = await this.decide(id, "system", (state, now) => decide.expire(now)(state));
    await this.goOn(id, snapshot.state);
  }

  /** Sends what waits, if the device is connected and free. */
  async goOn(id: Id, state?: DeviceSamplings): Promise<void> {
    if (state !== undefined && !isWaiting(state)) return;
    const status = await this.status(id);
    if (status === undefined) return;
    await this.decide(id, "system", (state, now) => decide.next(status.connection, now)(state));
  }

  private decide<Result>(
    id: Id,
    decidedBy: string,
    decision: (state: DeviceSamplings, now: number) => Outcome<Result> | Promise<Outcome<Result>>,
  ): Promise<Transaction<DeviceSamplings, Result>> {
    const { aggregates, now } = this.options;
    const decided = (state: DeviceSamplings) => decision(state, now());
    const key = JSON.stringify([id.namespace, id.id]);
    // Those of one replica would only decide in vain against each other.
    return this.turns.take(key, async () => {
      const options = { eager: true, seen: this.seen.get(key), attempts: ATTEMPTS };
      const done = await aggregates.transact(deviceSamplings, id, decided, decidedBy, options);
      if (done.appended) this.seen.set(key, done.snapshot);
      return done;
    });
  }

  private async whoIsAsked(
    id: Id,
    checked: Asked,
  ): Promise<{ asked: Asked; connection: string | undefined }> {
    const status = await this.status(id);
    const told = status ? status.sensors.map(({ name }) => name) : await this.told(id);
    return { asked: sensorOf(checked, told), connection: status?.connection };
  }

  /** undefined: it is not connected, as far as anybody can tell; what waits is looked after later. */
  private async status({ namespace, id }: Id): Promise<remote.RemoteStatus | undefined> {
    try {
      return await this.options.remote.status(namespace, id);
    } catch (error) {
      if (error instanceof RemoteUnavailable) return undefined;
      throw error;
    }
  }

  /** The sensors that a device which is away told when it was there. */
  private async told({ namespace, id: device }: Id): Promise<string[]> {
    const answer = await this.options.devices.getDevice({ namespace, device });
    const sensors = answer.device?.sensors.filter(({ removed }) => !removed) ?? [];
    return answer.device?.dialect === DIALECT ? sensors.map(({ sensorType }) => sensorType) : [];
  }
}

/** Of devices whose sensors' types are what is asked for by name. */
const DIALECT = "edge-impulse";

function foundIn({ open, ended }: DeviceSamplings, device: string, id: string): FoundSampling {
  const sampling = [...open, ...ended].find((one) => one.id === id);
  if (sampling === undefined) throw new Error("a sampling was requested and is not there");
  const queue = open.filter(({ phase }) => phase === "queued");
  return { device, sampling, place: queue.indexOf(sampling) + 1 || undefined };
}

function percentOf(percent: number | undefined): number | undefined {
  if (percent === undefined || !Number.isFinite(percent)) return undefined;
  return Math.min(100, Math.max(0, percent));
}

/** A device may say anything, of any length. */
function reasonOf(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd").slice(0, REASON_LENGTH).toWellFormed();
}
