import type { Id, Snapshots } from "@fieldlog/aggregates";
import { type auth, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";
import { type Device, device } from "../decisions/device.js";
import { LONGEST_OWN_NAME } from "../decisions/device-name.js";

/** What a namespace says of its devices' names, and who has one. Raises what its sources raise. */
export interface Naming {
  /** Whether no two devices of the namespace may have one name, whatever their dialects. */
  isUnique(namespace: string): Promise<boolean>;
  /** Devices that may have the name without having reserved it; what the read model knows. */
  holders(namespace: string, name: string): Promise<readonly string[]>;
}

/** Milliseconds for which settings are believed. */
const GOOD_MS = 2_000;

/** By the namespaces' settings, at most 2 s old, and the service's own read model. */
export function namingOf(
  client: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">,
  snapshots: Pick<Snapshots, "find">,
): Naming {
  const known = new LRUCache<string, boolean>({ max: limits.namespaces, ttl: GOOD_MS });
  return {
    isUnique: async (id) => {
      const found = known.get(id);
      if (found !== undefined) return found;
      const { namespace } = await client.getNamespace({ idOrName: id });
      const unique = namespace?.settings?.uniqueDeviceNames ?? false;
      known.set(id, unique);
      return unique;
    },
    holders: async (namespace, name) => {
      const found = await snapshots.find(device, nameKey(namespace, name));
      return found.map(({ id }) => id);
    },
  };
}

/** For the read model: a device is found by the name that it has. Longer ones cannot be reserved, so nobody asks. */
export function nameKeys(state: Device, { namespace }: Id): readonly string[] {
  const { name } = state.phase === "registered" ? state.metadata : {};
  return name === undefined || name.length > LONGEST_OWN_NAME ? [] : [nameKey(namespace, name)];
}

function nameKey(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}
