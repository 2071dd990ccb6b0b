import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./liveness-schemas.js";

/** Who is alive. */
export const livenessOperations = {
  sendHeartbeat: op({
    ...{ method: "post", path: `${NAMESPACE}/devices/{device}/heartbeat`, access: "writer", status: 201 },
    ...{ signed: true, writes: true },
    summary: "Tells that a device is alive; answers what it is asked for",
    query: NoQuery,
    body: schema.NewHeartbeat,
    answer: schema.HeartbeatTaken,
  }),
  getLiveness: op({
    ...{ method: "get", path: `${NAMESPACE}/devices/{device}/liveness`, access: "reader", status: 200 },
    waits: true,
    summary: "Whether a device is active, and since when",
    query: NoQuery,
    answer: schema.Liveness,
  }),
  listLiveness: op({
    ...{ method: "get", path: `${NAMESPACE}/liveness`, access: "reader", status: 200, waits: true },
    summary: "Devices of which anything was heard, by id, with what they are now",
    query: schema.LivenessQuery,
    answer: schema.Livenesses,
  }),
  countActive: op({
    ...{ method: "get", path: `${NAMESPACE}/liveness/counts`, access: "reader", status: 200, waits: true },
    summary: "How many devices are active and inactive, in all or by geocell",
    query: schema.ActiveQuery,
    answer: schema.ActiveCounts,
  }),
} as const;
