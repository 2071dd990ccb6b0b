import { randomUUID } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION, idInShard, limits, shardOf } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import {
  type CreatedNamespace,
  createNamespace,
  isAssignedId,
  isNamespaceName,
  type NewNamespace,
  namespace,
  namespaceNamed,
  type Retention,
  setEnabled,
  setRetention,
  setSettings,
} from "../decisions/namespace.js";
import { NotFound, TooMany } from "../decisions/refusals.js";
import type { Settings } from "../decisions/settings.js";
import { ownerKey } from "../read-model.js";

interface Asked extends Required<Pick<NewNamespace, "name" | "owner" | "settings">> {
  /** Undefined: that with the fewest namespaces. */
  readonly shard?: number | undefined;
}

/** Creates and finds namespaces. */
export class Namespaces {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly snapshots: Snapshots,
    private readonly newDataKey: (namespace: string) => Sealed,
    /** How many there are. */
    private readonly shards: number,
  ) {}

  /**
   * @param owner id of the user who makes it; empty: nobody owns it
   * @throws AlreadyExists, InvalidField, TooMany
   */
  async create(
    { name, owner, settings, shard }: Asked,
    decidedBy: string,
  ): Promise<{ created: CreatedNamespace; sequence: number }> {
    await this.checkRoom(owner);
    const id = idInShard(randomUUID(), this.checkShard(shard) ?? (await this.emptiest()));
    const decide = createNamespace({ id, name, dataKey: this.newDataKey(id), owner, settings });
    const { snapshot } = await this.aggregates.transact(namespace, namespaceNamed(name), decide, decidedBy);
    return { created: snapshot.state as CreatedNamespace, sequence: snapshot.sequence };
  }

  /** By the namespace's id. Raises InvalidField, NotFound. */
  async setRetention(id: string, retention: Retention, decidedBy: string): Promise<number> {
    const { name } = await this.withId(id);
    const decide = setRetention(retention);
    const { snapshot } = await this.aggregates.transact(namespace, namespaceNamed(name), decide, decidedBy);
    return snapshot.sequence;
  }

  /** By the namespace's id. Raises InvalidField, NotFound. */
  async setSettings(id: string, settings: Settings, decidedBy: string): Promise<number> {
    const { name } = await this.withId(id);
    const decide = setSettings(settings);
    const { snapshot } = await this.aggregates.transact(namespace, namespaceNamed(name), decide, decidedBy);
    return snapshot.sequence;
  }

  /** By the namespace's id. Raises InvalidField, NotFound. */
  async setEnabled(id: string, enabled: boolean, reason: string, decidedBy: string): Promise<number> {
    const { name } = await this.withId(id);
    const decide = setEnabled(enabled, reason);
    const { snapshot } = await this.aggregates.transact(namespace, namespaceNamed(name), decide, decidedBy);
    return snapshot.sequence;
  }

  /** By its id or its name. Raises NotFound. */
  async get(idOrName: string): Promise<CreatedNamespace> {
    for (const id of await this.candidates(idOrName)) {
      const { state } = await this.aggregates.current(namespace, id);
      if (state.phase === "created") return state;
    }
    throw new NotFound("namespace");
  }

  /** By its id alone. Raises NotFound. */
  async withId(id: string): Promise<CreatedNamespace> {
    const found = await this.get(id);
    if (found.id !== id) throw new NotFound("namespace");
    return found;
  }

  /** All, as the read model has them. */
  async list(): Promise<CreatedNamespace[]> {
    const all = await this.snapshots.list(namespace, INSTALLATION);
    return all.flatMap(({ state }) => (state.phase === "created" ? [state] : []));
  }

  /** Raises InvalidField. */
  private checkShard(shard: number | undefined): number | undefined {
    if (shard === undefined || shard < this.shards) return shard;
    throw new InvalidField("shard", `is from 0 to ${this.shards - 1}: FIELDLOG_SHARDS is ${this.shards}`);
  }

  /** The shard with the fewest namespaces; of several, the first. */
  private async emptiest(): Promise<number> {
    if (this.shards === 1) return 0;
    const counts = Array.from({ length: this.shards }, () => 0);
    for (const { id } of await this.list()) counts[shardOf(id)] = (counts[shardOf(id)] ?? 0) + 1;
    return counts.indexOf(Math.min(...counts.slice(0, this.shards)));
  }

  private async checkRoom(owner: string): Promise<void> {
    if ((await this.snapshots.count(namespace, INSTALLATION)) >= limits.namespaces) {
      throw new TooMany("namespaces", limits.namespaces);
    }
    if (owner === "") return;
    if ((await this.snapshots.countFound(namespace, ownerKey(owner))) >= limits.namespacesPerOwner) {
      throw new TooMany("namespaces of yours", limits.namespacesPerOwner);
    }
  }

  private async candidates(idOrName: string) {
    if (isAssignedId(idOrName)) return this.snapshots.find(namespace, idOrName);
    return isNamespaceName(idOrName) ? [namespaceNamed(idOrName)] : [];
  }
}
