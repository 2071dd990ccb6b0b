import type { Aggregates } from "@fieldlog/aggregates";
import { limits, REGISTRY, type registry } from "@fieldlog/contracts";
import { type DataKeys, OF_NAMESPACE } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import type { EventLog } from "@fieldlog/event-log";
import { checkContent, checkTexts } from "../samples/check.js";
import { contentOf } from "../samples/content.js";
import type { Presence } from "../samples/presence.js";
import { StorageFull, TooManyModels, UnknownModel } from "../samples/refusals.js";
import type { Rows } from "../samples/rows.js";
import { type MadeModel, model, removeModel, storeModel } from "./model.js";

export interface ModelsParts {
  readonly aggregates: Aggregates;
  readonly rows: Rows;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly log: Pick<EventLog, "lastSequence">;
  readonly keys: Pick<DataKeys, "find">;
  readonly presence: Pick<Presence, "check">;
  /** Bytes that a namespace may hold; undefined: any. */
  readonly mostBytes: (namespace: string) => Promise<number | undefined>;
}

/** Times that a version is tried which somebody else got. */
const ATTEMPTS = 100;

/** What devices run. Raises UnknownModel, TooManyModels, StorageFull, ContentGone, InvalidField, and what Aggregates raises. */
export class Models {
  constructor(private readonly parts: ModelsParts) {}

  /** It gets the version behind the highest that there ever was. Of one that was stored already: that one's. */
  async store(
    namespace: string,
    asked: registry.ModelStored | undefined,
    decidedBy: string,
  ): Promise<{ version: number; sequence: number }> {
    if (asked === undefined) throw new InvalidField("model", "is missing");
    const { name, mediaType, stored } = asked;
    checkTexts("model.", { name, mediaType });
    checkContent("model.stored", stored, `${namespace}/~models/`);
    const content = contentOf(stored);
    if (content.bytes === 0) throw new InvalidField("model.stored", "is empty");
    await this.upToDate();
    const before = await this.before(namespace, content.objects);
    if (before !== undefined) return before;
    await this.checkRoom(namespace, content.bytes);
    await this.parts.presence.check(namespace, OF_NAMESPACE, content);
    const { highest } = await this.parts.rows.modelCounts(namespace);
    for (let version = highest + 1; version <= highest + ATTEMPTS; version++) {
      const id = { namespace, id: String(version) };
      const event = storeModel({ ...asked, version });
      const begun = await this.parts.aggregates.begin(model, id, event, decidedBy);
      if (begun) return { version, sequence: begun.sequence };
    }
    throw new TooManyModels(limits.models);
  }

  /** With the namespace's key; without one, if that was destroyed. @param version 0: the newest */
  async get(namespace: string, version: number): Promise<{ made: MadeModel; key: Uint8Array | undefined }> {
    const made = await this.parts.rows.model(namespace, version);
    if (made === undefined) throw new UnknownModel();
    return { made, key: await this.parts.keys.find(namespace, OF_NAMESPACE) };
  }

  /** The newest first. */
  list(namespace: string): Promise<MadeModel[]> {
    return this.parts.rows.listModels(namespace);
  }

  /** Returns the sequence of the decision. */
  async remove(namespace: string, version: number, decidedBy: string): Promise<number> {
    const id = { namespace, id: String(version) };
    return (await this.parts.aggregates.transact(model, id, removeModel, decidedBy)).snapshot.sequence;
  }

  /** undefined: there is none, and never was. */
  async made(namespace: string, id: string): Promise<MadeModel | undefined> {
    const { state } = await this.parts.aggregates.current(model, { namespace, id });
    return state.phase === "none" ? undefined : state;
  }

  private async upToDate(): Promise<void> {
    await this.parts.waitFor(await this.parts.log.lastSequence(REGISTRY), limits.readYourWritesMs);
  }

  /** Who lost the answer tells of the same objects again. */
  private async before(namespace: string, objects: readonly string[]) {
    const newest = await this.parts.rows.listModels(namespace);
    const same = newest.find(({ content }) => content.objects[0] === objects[0]);
    if (same === undefined) return undefined;
    const id = { namespace, id: String(same.version) };
    const { sequence } = await this.parts.aggregates.current(model, id);
    return { version: same.version, sequence };
  }

  private async checkRoom(namespace: string, bytes: number): Promise<void> {
    const { stored } = await this.parts.rows.modelCounts(namespace);
    if (stored >= limits.models) throw new TooManyModels(limits.models);
    const most = await this.parts.mostBytes(namespace);
    if (most !== undefined && (await this.parts.rows.storedBytes(namespace)) + bytes > most) {
      throw new StorageFull();
    }
  }
}
