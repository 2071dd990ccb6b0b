import { limits, type liveness, SIGNALS } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { GEOCELL_BITS, isGeocell } from "@fieldlog/geocells";
import { isDatabaseAway, type ReadModelRunner } from "@fieldlog/read-model";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { DeviceLiveness, Queries } from "./service/queries.js";
import type { LiveTable } from "./service/table.js";

export interface Served {
  readonly table: LiveTable;
  readonly queries: Queries;
  readonly runner: Pick<ReadModelRunner<never>, "waitFor">;
}

const STATES = new Set(["", "active", "late", "inactive"]);

/** fieldlog.liveness.v1.LivenessService. */
export function livenessService({
  table,
  queries,
  runner,
}: Served): ServiceImpl<typeof liveness.LivenessService> {
  const reach = async (atLeast: bigint | undefined) => {
    if (atLeast !== undefined) await table.has(SIGNALS, Number(atLeast), limits.readYourWritesMs);
    const reason = table.notReady();
    if (reason !== undefined) throw new RpcError("unavailable", reason, { retryAfterS: "1" });
  };
  return {
    async getLiveness({ namespace, device, atLeast }) {
      await reach(atLeast);
      const found = queries.of(namespace, device);
      if (found === undefined) throw new RpcError("not_found", "nothing was ever heard of such a device");
      return { liveness: toMessage(found) };
    },
    async listLiveness({ namespace, state, limit, after, atLeast }) {
      checkLimit(limit);
      if (!STATES.has(state)) throw wrong("state", "must be active, late or inactive");
      await reach(atLeast);
      if (atLeast !== undefined) await runner.waitFor(Number(atLeast), limits.readYourWritesMs);
      const { devices, next } = await queries.list({ namespace, state, limit, after });
      return { devices: devices.map(toMessage), next };
    },
    async countActive({ namespace, resolution, within, limit, after, atLeast }) {
      checkLimit(limit);
      if (!isGeocell(within)) throw wrong("within", "must be a geocell: up to 48 of 0 and 1");
      if (resolution !== undefined && (resolution < 1 || resolution > GEOCELL_BITS)) {
        throw wrong("resolution", `must be from 1 to ${GEOCELL_BITS} bits`);
      }
      await reach(atLeast);
      const all = queries.counts({ namespace, resolution, within });
      const begin = after === "" ? 0 : all.findIndex(({ geocell }) => isBehind(geocell, after));
      const counts = begin === -1 ? [] : all.slice(begin, begin + limit);
      const more = begin !== -1 && begin + limit < all.length;
      return { counts, next: more ? (counts.at(-1)?.geocell ?? "") : "" };
    },
  };
}

/** Failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof LogUnavailable || isDatabaseAway(error)) {
    const message = error instanceof LogUnavailable ? error.message : "the database does not answer";
    return new RpcError("unavailable", message, { retryAfterS: "1" });
  }
  return undefined;
}

/** "?" stands before all cells. */
function isBehind(geocell: string, after: string): boolean {
  if (geocell === "?") return false;
  return after === "?" || geocell > after;
}

function toMessage({ lastHeartbeatAt, since, ...rest }: DeviceLiveness) {
  return { ...rest, lastHeartbeatAt: BigInt(lastHeartbeatAt), since: BigInt(since) };
}

function checkLimit(limit: number): void {
  if (limit < 1 || limit > limits.pageRows) throw wrong("limit", `must be from 1 to ${limits.pageRows}`);
}

function wrong(field: string, detail: string): RpcError {
  return new RpcError("invalid_argument", `${field} ${detail}`, { field });
}
