import { type auth, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";

/** What a namespace's settings say of uploads. */
export interface Policy {
  /** Offers are accepted that nobody has asked for. */
  readonly acceptsAll: boolean;
  /** Bytes of all that is stored; undefined: no limit. */
  readonly storedBytes: number | undefined;
  /** Bytes of one upload. */
  readonly uploadBytes: number;
}

/** Milliseconds for which settings are believed. */
const GOOD_MS = 2_000;

/** The policies of namespaces by their ids, at most 2 s old. Raises what the call raises. */
export function policies(
  client: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">,
): (namespace: string) => Promise<Policy> {
  const known = new LRUCache<string, Policy>({ max: limits.namespaces, ttl: GOOD_MS });
  return async (id) => {
    const found = known.get(id);
    if (found) return found;
    const { namespace } = await client.getNamespace({ idOrName: id });
    const { offers, limits: own } = namespace?.settings ?? {};
    const policy = {
      acceptsAll: offers === "all",
      storedBytes: own?.storedBytes === undefined ? undefined : Number(own.storedBytes),
      uploadBytes: own?.uploadBytes ?? limits.uploadBytes,
    };
    known.set(id, policy);
    return policy;
  };
}
