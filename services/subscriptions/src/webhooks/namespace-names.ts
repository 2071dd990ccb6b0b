import { type auth, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";

/** Names of namespaces by their ids; they never change. Raises what the call raises, and an Error for an unknown id. */
export function namespaceNames(
  client: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">,
): (id: string) => Promise<string> {
  const names = new LRUCache<string, string>({ max: limits.namespaces });
  return async (id) => {
    const known = names.get(id);
    if (known !== undefined) return known;
    const { namespace } = await client.getNamespace({ idOrName: id });
    if (namespace === undefined) throw new Error(`there is no namespace ${id}`);
    names.set(id, namespace.name);
    return namespace.name;
  };
}
