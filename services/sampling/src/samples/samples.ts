import { setTimeout as sleep } from "node:timers/promises";
import type { Aggregates, Id } from "@fieldlog/aggregates";
import { limits, REGISTRY, type registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import type { AwaitingSampling } from "../samplings/rows.js";
import { checkChange, checkSample } from "./check.js";
import { contentOf } from "./content.js";
import type { Filter } from "./filter.js";
import type { Presence } from "./presence.js";
import { AlreadyStored, ContentGone, ContentUnderWay, StorageFull, UnknownSample } from "./refusals.js";
import type { Counted, FoundSample, Page, Rows } from "./rows.js";
import { change, type MadeSample, remove, sample, store } from "./sample.js";
import { release, reserve, type SampleContent, sampleContent } from "./sample-content.js";
import { samplingOf, settledCategory } from "./settle.js";

export interface SamplesParts {
  readonly aggregates: Aggregates;
  readonly rows: Rows;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly log: Pick<EventLog, "lastSequence">;
  readonly keys: Pick<DataKeys, "get" | "find">;
  readonly presence: Pick<Presence, "check">;
  /** Samplings of a namespace that were sent and have not ended, the oldest first. */
  readonly awaiting: (namespace: string) => Promise<AwaitingSampling[]>;
  /** The name that a device goes by; empty: none. */
  readonly nameOf: (namespace: string, device: string) => Promise<string>;
  /** Bytes that a namespace may hold; undefined: any. */
  readonly mostBytes: (namespace: string) => Promise<number | undefined>;
  readonly now: () => number;
}

/** A sample that is to be stored; its bytes are in the objects already. */
export interface Asked {
  readonly sample?: registry.SampleStored | undefined;
  /** There may be no other of the same content. */
  readonly unique: boolean;
  /** The device that its document names; empty: none. */
  readonly documentDevice: string;
  readonly decidedBy: string;
}

export interface StoredSample extends FoundSample {
  readonly sequence: number;
}

/** Milliseconds after which whoever reserved a content and stored nothing of it is believed to be gone. */
const GONE_MS = 2 * limits.rpcDeadlineMs;
/** Devices of which the name is asked to find one. */
const NAMED = 32;
/** Times that is looked whether the one who reserved a content has stored it, and milliseconds in between. */
const LOOKS = 15;
const LOOK_MS = 100;

/** What is stored. Raises the refusals of its decisions, InvalidField, and what Aggregates raises. */
export class Samples {
  constructor(private readonly parts: SamplesParts) {}

  /** Asked twice with the same id, has no effect the second time. Refuses AlreadyStored, ContentUnderWay, ContentGone, StorageFull. */
  async store(id: Id, asked: Asked): Promise<StoredSample> {
    const event = checkSample(id, asked.sample);
    const content = contentOf(event.stored);
    await this.upToDate();
    await this.checkRoom(id, content.bytes);
    if (asked.unique) await this.checkUnique(id, content.sha256);
    const belongs = await this.belonging(id.namespace, event, asked.documentDevice);
    const told = {
      ...{ ...event, ...belongs },
      category: settledCategory(event.category, content.sha256),
    };
    const { snapshot } = await this.parts.aggregates
      .transact(
        sample,
        id,
        async (state) => {
          // Whoever clears or erases takes the key first: without it nobody can read what was put.
          if (state.phase === "none") await this.parts.presence.check(id.namespace, event.key, content);
          return store(told)(state);
        },
        asked.decidedBy,
      )
      .catch(async (error: unknown) => {
        if (asked.unique && error instanceof ContentGone) await this.release(id, content.sha256);
        throw error;
      });
    return { id: id.id, made: snapshot.state as MadeSample, sequence: snapshot.sequence };
  }

  /** With its key; without one, if that was destroyed. */
  async get(
    namespace: string,
    which: { number: number } | { id: string },
  ): Promise<FoundSample & { readonly key: Uint8Array | undefined }> {
    const found = await this.parts.rows.sampleOf(namespace, which);
    if (found?.made.phase !== "stored") throw new UnknownSample();
    return { ...found, key: await this.parts.keys.find(namespace, found.made.sample.key) };
  }

  list(namespace: string, filter: Filter, limit: number, after: number): Promise<Page> {
    return this.parts.rows.list(namespace, filter, limit, after);
  }

  count(namespace: string, filter: Filter): Promise<Counted[]> {
    return this.parts.rows.count(namespace, filter);
  }

  /** Refuses UnknownSample, InvalidField. */
  async change(
    namespace: string,
    number: number,
    asked: registry.SampleChanged | undefined,
    decidedBy: string,
  ): Promise<StoredSample> {
    const checked = checkChange(asked);
    const id = await this.idOf(namespace, number);
    const { snapshot } = await this.parts.aggregates.transact(
      sample,
      { namespace, id },
      change(checked),
      decidedBy,
    );
    return { id, made: snapshot.state as MadeSample, sequence: snapshot.sequence };
  }

  /** Returns the sequence of the decision. Refuses UnknownSample. */
  async remove(namespace: string, number: number, decidedBy: string): Promise<number> {
    const id = await this.idOf(namespace, number);
    return (await this.parts.aggregates.transact(sample, { namespace, id }, remove, decidedBy)).snapshot
      .sequence;
  }

  /** Of one that is to go by itself, with its device. */
  async erase(id: Id): Promise<void> {
    await this.parts.aggregates.transact(sample, id, remove, "system");
  }

  /** Its content may be stored again. @param sha256 hex */
  async release({ namespace, id }: Id, sha256: string): Promise<void> {
    const content = { namespace, id: sha256 };
    await this.parts.aggregates.transact(sampleContent, content, release(id), "system");
  }

  /** undefined: there is none, and never was. */
  async made(id: Id): Promise<MadeSample | undefined> {
    const { state } = await this.parts.aggregates.current(sample, id);
    return state.phase === "none" ? undefined : state;
  }

  private async upToDate(): Promise<void> {
    await this.parts.waitFor(await this.parts.log.lastSequence(REGISTRY), limits.readYourWritesMs);
  }

  /** Of what comes at the same time a little more may pass; of what is stored, whose sender lost the answer, it counts already. */
  private async checkRoom(id: Id, bytes: number): Promise<void> {
    const most = await this.parts.mostBytes(id.namespace);
    if (most === undefined) return;
    if ((await this.parts.rows.storedBytes(id.namespace)) + bytes <= most) return;
    if ((await this.made(id)) === undefined) throw new StorageFull();
  }

  /** Those that were stored without asking for it are found in the table; of those that ask, one gets the content. */
  private async checkUnique({ namespace, id }: Id, sha256: string): Promise<void> {
    if (await this.parts.rows.hasContent(namespace, sha256, id)) throw new AlreadyStored();
    for (let look = 1; ; look++) {
      const isGone = (holder: SampleContent) => this.isGone(namespace, holder);
      const decided = await this.parts.aggregates.transact(
        sampleContent,
        { namespace, id: sha256 },
        reserve(id, isGone),
        "system",
      );
      if (decided.result === id) return;
      const holder = await this.made({ namespace, id: decided.result });
      if (holder?.phase === "stored") throw new AlreadyStored();
      if (look === LOOKS) throw new ContentUnderWay();
      await sleep(LOOK_MS);
    }
  }

  private async isGone(
    namespace: string,
    { sample: id = "", reservedAt = 0 }: SampleContent,
  ): Promise<boolean> {
    const holder = await this.made({ namespace, id });
    if (holder === undefined) return reservedAt + GONE_MS < this.parts.now();
    return holder.phase === "removed";
  }

  /** The sampling that it was asked by, and the device, which then is known. */
  private async belonging(
    namespace: string,
    { device, sampling, category, label, sensor }: registry.SampleStored,
    documentDevice: string,
  ): Promise<{ device: string; sampling: string; sensor: string }> {
    if (sampling !== "") return { device, sampling, sensor };
    const awaiting = await this.parts.awaiting(namespace);
    if (awaiting.length === 0) return { device, sampling, sensor };
    const arrived = await this.parts.rows.arrived(
      namespace,
      awaiting.map(({ id }) => id),
    );
    const open = awaiting.filter((one) => one.category === category && !arrived.has(one.id));
    const named = [device, documentDevice].filter((name) => name !== "");
    // A document names its device by its id, or by the name that people gave it.
    const isById = device !== "" || open.some((one) => one.device === documentDevice);
    const devices =
      isById || named.length === 0
        ? named
        : [...named, ...(await this.byName(open, namespace, documentDevice))];
    const found = samplingOf({ category, label, devices }, open);
    if (found === undefined) return { device, sampling, sensor };
    return { device: device || found.device, sampling: found.id, sensor: sensor || found.sensor };
  }

  private async byName(
    open: readonly AwaitingSampling[],
    namespace: string,
    name: string,
  ): Promise<string[]> {
    const devices = [...new Set(open.map(({ device }) => device))].slice(0, NAMED);
    const names = await Promise.all(devices.map((device) => this.parts.nameOf(namespace, device)));
    return devices.filter((_, index) => names[index] === name);
  }

  /** Refuses UnknownSample. */
  private async idOf(namespace: string, number: number): Promise<string> {
    const found = await this.parts.rows.sampleOf(namespace, { number });
    if (found === undefined) throw new UnknownSample();
    return found.id;
  }
}
