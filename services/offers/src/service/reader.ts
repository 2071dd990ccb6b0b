import { limits, REGISTRY } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { Rows } from "../table/rows.js";

/** The tables, and how far they are. */
export interface Reader {
  readonly rows: Rows;
  /** Whether they had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

/** Waits, for a bounded time, until the tables have all that the log has by now. Returns up to where they had. Raises LogUnavailable. */
export async function upToDate(reader: Reader, log: Pick<EventLog, "lastSequence">): Promise<number> {
  const sequence = await log.lastSequence(REGISTRY);
  return (await reader.waitFor(sequence, limits.readYourWritesMs)) ? sequence : 0;
}
