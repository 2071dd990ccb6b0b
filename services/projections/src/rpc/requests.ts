import { limits } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import type { ReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { RpcError } from "@fieldlog/rpc";
import type { ConfigurationTables } from "../configurations/tables.js";
import type { DeviceTables } from "../devices/definition.js";
import type { EventTables } from "../events/tables.js";
import type { MessageTables } from "../messages/tables.js";
import type { ReadingTables } from "../readings/tables.js";

export type Tables = EventTables & DeviceTables & ReadingTables & MessageTables & ConfigurationTables;

/** What is asked of a read model, whatever it is made of. */
export type Runner = Pick<
  ReadModelRunner<never>,
  "name" | "waitFor" | "rebuild" | "retryDeadLetters" | "dropDeadLetters" | "status"
>;

export type ModelName = "events" | "devices" | "readings" | "messages" | "configurations";

export interface Served {
  readonly database: ReadDatabase<Tables>;
  readonly runners: Readonly<Record<ModelName, Runner>>;
}

/** Lets the read models get there, for a bounded time; then the answer is what there is. False: they did not. */
export async function reach(sequence: bigint | undefined, ...runners: Runner[]): Promise<boolean> {
  if (sequence === undefined) return true;
  const reached = runners.map((runner) => runner.waitFor(Number(sequence), limits.readYourWritesMs));
  return (await Promise.all(reached)).every(Boolean);
}

export function checkLimit(limit: number): void {
  if (limit >= 1 && limit <= limits.pageRows) return;
  throw new RpcError("invalid_argument", `limit must be from 1 to ${limits.pageRows}`, { field: "limit" });
}

/** The field, if there is a value for it. */
export function given<K extends string, V, R>(
  name: K,
  value: V | null | undefined,
  convert: (value: V) => R,
): { [key in K]?: R } {
  return value === undefined || value === null ? {} : ({ [name]: convert(value) } as { [key in K]?: R });
}

export const same = <V>(value: V): V => value;

export function dateOf(ms: bigint): Date {
  return new Date(instant(ms));
}

export const millis = (date: Date) => BigInt(date.getTime());
