import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./tunnel-schemas.js";

/** Remote access. Who opened what, and what became of it, is told as events: TunnelRequested, TunnelOpened, TunnelClosed. */
export const tunnelOperations = {
  openTunnel: op({
    ...{ method: "post", path: `${NAMESPACE}/devices/{device}/tunnels`, access: "namespace-admin" },
    ...{ status: 201, writes: true },
    summary: "A tunnel to a TCP port of a device, where the namespace's settings allow remote access",
    query: NoQuery,
    body: schema.NewTunnel,
    answer: schema.Tunnel,
    refusals: {
      403: "The key may not do this, or the namespace's settings do not allow remote access",
      409: "The device is not connected, takes no calls, or has as many tunnels as it may",
      423: "The namespace is disabled",
    },
  }),
} as const;
