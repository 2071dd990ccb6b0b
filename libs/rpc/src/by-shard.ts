import { shardOf, unservedShard } from "@fieldlog/contracts";
import type { RpcCall } from "./methods.js";
import { RpcError } from "./rpc-error.js";

/** What is served of the namespace's shard. Raises RpcError `unavailable` where that shard is not served. */
export function servedOf<T>(shards: readonly T[], namespace: string): T {
  const served = shards[shardOf(namespace)];
  if (served !== undefined) return served;
  throw new RpcError("unavailable", unservedShard(namespace), { retryAfterS: "1" });
}

/** What a request of a method must say to be answered by its shard. */
interface OfNamespace {
  /** Id. */
  readonly namespace: string;
}

type Method<R> = (request: R, call: RpcCall) => Promise<unknown>;
/** Methods of which each request names its namespace. */
type OfNamespaces<M> = {
  [K in keyof M]: M[K] extends Method<infer R> ? (R extends OfNamespace ? M[K] : never) : never;
};

/** Methods that are each answered by those of the shard that the request's namespace is in. @param shards at least one */
export function byShard<M extends object>(shards: readonly (M & OfNamespaces<M>)[]): M {
  const names = Object.keys(shards[0] ?? {}) as (keyof M)[];
  const pick = (name: keyof M): Method<OfNamespace> => {
    return async (request, call) => {
      const served = servedOf(shards, request.namespace);
      return await (served[name] as Method<OfNamespace>)(request, call);
    };
  };
  return Object.fromEntries(names.map((name) => [name, pick(name)])) as M;
}
