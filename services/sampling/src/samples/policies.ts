import { type auth, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";

/** Milliseconds for which settings are believed. */
const GOOD_MS = 2_000;

/** Bytes that a namespace may hold, by its settings, at most 2 s old; undefined: any. Raises what the call raises. */
export function mostBytes(
  client: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">,
): (namespace: string) => Promise<number | undefined> {
  const known = new LRUCache<string, { bytes: number | undefined }>({ max: limits.namespaces, ttl: GOOD_MS });
  return async (id) => {
    const found = known.get(id);
    if (found) return found.bytes;
    const { namespace } = await client.getNamespace({ idOrName: id });
    const most = namespace?.settings?.limits?.storedBytes;
    const bytes = most === undefined ? undefined : Number(most);
    known.set(id, { bytes });
    return bytes;
  };
}
