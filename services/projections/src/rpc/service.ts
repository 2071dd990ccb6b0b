import type { projections } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { isDatabaseAway, RequestFailed, RequestPending } from "@fieldlog/read-model";
import { byShard, RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { InvalidFilter } from "../messages/topic-filter.js";
import { configurationsAndNames } from "./configurations.js";
import { eventsAndDevices } from "./events-and-devices.js";
import { messagesAndRetained } from "./messages.js";
import { operator } from "./operator.js";
import { readings } from "./readings.js";
import type { Served } from "./requests.js";

/** fieldlog.projections.v1.ProjectionsService: requests to queries, rows to answers. */
export function projectionsService(
  shards: readonly Served[],
): ServiceImpl<typeof projections.ProjectionsService> {
  const queries = shards.map((served) => ({
    ...eventsAndDevices(served),
    ...messagesAndRetained(served),
    ...configurationsAndNames(served),
    ...readings(served),
  }));
  return { ...byShard(queries), ...operator(shards) };
}

/** Failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof RequestPending) return new RpcError("deadline_exceeded", error.message);
  if (error instanceof RequestFailed) return new RpcError("failed_precondition", error.message);
  if (error instanceof InvalidFilter) {
    return new RpcError("invalid_argument", error.message, { field: "topic_filter" });
  }
  if (error instanceof LogUnavailable || isDatabaseAway(error)) {
    const message = error instanceof LogUnavailable ? error.message : "the database does not answer";
    return new RpcError("unavailable", message, { retryAfterS: "1" });
  }
  return undefined;
}
