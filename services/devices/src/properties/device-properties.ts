import type { Aggregates, Id } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Devices } from "../service/devices.js";
import type { JsonObject } from "./json.js";
import { type Change, change, type Properties, properties, type Versioned } from "./properties.js";
import type { ChangesAsked, Rows } from "./rows.js";
import type { PropertyChangeRow } from "./tables.js";

export interface DevicePropertiesParts {
  readonly aggregates: Pick<Aggregates, "current" | "transact">;
  readonly devices: Pick<Devices, "get">;
  readonly rows: Rows;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

export interface Changed {
  readonly now: Versioned;
  readonly sequence: number;
  /** What differs from before, as a merge patch; undefined: nothing. */
  readonly patch: JsonObject | undefined;
}

/**
 * What is wanted of devices, what they say of themselves, and their tags. Raises UnknownDevice, the refusals of the decision, and
 * what Aggregates raises.
 */
export class DeviceProperties {
  constructor(private readonly parts: DevicePropertiesParts) {}

  /** As of the newest decision. */
  async get(id: Id): Promise<{ properties: Properties; sequence: number }> {
    const { aggregates } = this.parts;
    const [found] = await Promise.all([aggregates.current(properties, id), this.exists(id)]);
    return { properties: found.state, sequence: found.sequence };
  }

  /** As they were at a sequence of REGISTRY, or a time (ms since 1970 UTC). */
  async asOf(
    id: Id,
    when: { sequence?: number; at?: number },
  ): Promise<{ properties: Properties; sequence: number }> {
    const { sequence } = await this.get(id);
    await this.parts.waitFor(sequence, limits.readYourWritesMs);
    return { properties: await this.parts.rows.asOf(id, when), sequence };
  }

  async change(id: Id, asked: Change, decidedBy: string): Promise<Changed> {
    await this.exists(id);
    const done = await this.parts.aggregates.transact(properties, id, change(asked), decidedBy);
    const { snapshot, result } = done;
    return { now: snapshot.state[asked.kind], sequence: snapshot.sequence, patch: result };
  }

  async changes(asked: ChangesAsked): Promise<PropertyChangeRow[]> {
    const { sequence } = await this.get(asked);
    await this.parts.waitFor(sequence, limits.readYourWritesMs);
    return await this.parts.rows.changes(asked);
  }

  private async exists({ namespace, id }: Id): Promise<void> {
    await this.parts.devices.get(namespace, id);
  }
}
