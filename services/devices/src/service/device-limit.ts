import type { Snapshots } from "@fieldlog/aggregates";
import { type auth, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";
import { device } from "../decisions/device.js";
import { TooManyDevices } from "../decisions/refusals.js";

/** Raises {@link TooManyDevices} where a namespace may have no more devices, and what its sources raise. */
export type CheckDeviceLimit = (namespace: string) => Promise<void>;

/** Milliseconds for which settings are believed. */
const GOOD_MS = 2_000;

/**
 * By the namespaces' settings, at most 2 s old, and the devices that the read model counts: those that are registered
 * at the same moment may get past it together.
 */
export function deviceLimitOf(
  client: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">,
  snapshots: Pick<Snapshots, "count">,
): CheckDeviceLimit {
  const known = new LRUCache<string, { most: number | undefined }>({ max: limits.namespaces, ttl: GOOD_MS });
  return async (id) => {
    let found = known.get(id);
    if (found === undefined) {
      const { namespace } = await client.getNamespace({ idOrName: id });
      found = { most: namespace?.settings?.limits?.devices };
      known.set(id, found);
    }
    if (found.most === undefined) return;
    if ((await snapshots.count(device, id, "registered")) >= found.most) throw new TooManyDevices(found.most);
  };
}
