import { limits } from "@fieldlog/contracts";
import type { ReadDatabase } from "@fieldlog/read-model";
import type { Machine } from "../core/machine.js";
import type { Tables } from "../table/stored.js";
import { type ActiveCount, type CountsAsked, countActive } from "./counts.js";
import type { LiveTable } from "./table.js";

export interface DeviceLiveness {
  readonly device: string;
  readonly state: "active" | "late" | "inactive";
  /** ms since 1970 UTC, as `since`. */
  readonly lastHeartbeatAt: number;
  readonly since: number;
  readonly status: string;
  readonly heartbeatS: number;
  readonly inactiveAfterS: number;
}

export interface ListAsked {
  readonly namespace: string;
  /** "": any. */
  readonly state: string;
  readonly limit: number;
  readonly after: string;
}

/** Devices that one call looks at; a page may hold fewer than asked for, also none, and there may be more behind it. */
const LOOKED_AT = 20 * limits.pageRows;

/** What is known of devices now. */
export class Queries {
  constructor(
    private readonly table: Pick<LiveTable, "machine">,
    private readonly database: Pick<ReadDatabase<Tables>, "db">,
    private readonly now: () => number,
  ) {}

  of(namespace: string, device: string): DeviceLiveness | undefined {
    const { machine } = this.table;
    const slot = machine.slots.find(namespace, device);
    return slot === undefined ? undefined : livenessOf(machine, slot, this.now());
  }

  /** By id. Their order is Postgres's, what they are is the machine's. */
  async list({
    namespace,
    state,
    limit,
    after,
  }: ListAsked): Promise<{ devices: DeviceLiveness[]; next: string }> {
    const devices: DeviceLiveness[] = [];
    let last = after;
    for (let looked = 0; looked < LOOKED_AT; looked += limits.pageRows) {
      const rows = await this.ids(namespace, last);
      for (const { device } of rows) {
        const found = this.of(namespace, device);
        last = device;
        if (found === undefined || (state !== "" && found.state !== state)) continue;
        devices.push(found);
        if (devices.length === limit) return { devices, next: last };
      }
      if (rows.length < limits.pageRows) return { devices, next: "" };
    }
    return { devices, next: last };
  }

  counts(asked: CountsAsked): ActiveCount[] {
    return countActive(this.table.machine, asked, this.now());
  }

  private async ids(namespace: string, after: string) {
    return await this.database.db
      .selectFrom("heard")
      .select("device")
      .where("namespace", "=", namespace)
      .where("device", ">", after)
      .orderBy("device")
      .limit(limits.pageRows)
      .execute();
  }
}

function livenessOf(machine: Machine, slot: number, now: number): DeviceLiveness | undefined {
  const state = machine.stateOf(slot, now);
  if (state === undefined) return undefined;
  const { at, status } = machine.last(slot);
  const { heartbeatS, inactiveAfterS } = machine.ruleOf(slot);
  const silentFrom = at + inactiveAfterS * 1_000;
  // Of one whose time has just run out the log will say so in a moment.
  const since = state === "inactive" && machine.isActive(slot) ? silentFrom : machine.slots.since(slot) || at;
  const device = machine.slots.deviceOf(slot);
  return { device, state, lastHeartbeatAt: at, since, status, heartbeatS, inactiveAfterS };
}
