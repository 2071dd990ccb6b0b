import { INSTALLATION, namespaceOf, REGISTRY, shardOf, streamOfShard } from "@fieldlog/contracts";
import type { ReadModelDefinition } from "./definition.js";

/** What stands behind the names of what a shard has of its own; nothing: of the first. */
function suffixOf(shard: number): string {
  return shard === 0 ? "" : `_${shard}`;
}

/** The service's schema for a shard: positions of different streams cannot be compared, nor tables swapped in part. */
export function schemaOfShard(schema: string, shard: number): string {
  return schema + suffixOf(shard);
}

/**
 * The read model of one shard's namespaces: of signals, that of the shard's stream; of decisions, which lie in one stream,
 * those on the shard's namespaces and on the installation.
 */
export function ofShard<T>(definition: ReadModelDefinition<T>, shard: number): ReadModelDefinition<T> {
  const name = definition.name + suffixOf(shard);
  if (definition.stream !== REGISTRY) return { ...definition, name, stream: streamOfShard(shard) };
  return {
    ...definition,
    name,
    decode(commit) {
      const namespace = namespaceOf(commit.subject);
      const isOfShard = namespace === INSTALLATION || shardOf(namespace) === shard;
      return isOfShard ? definition.decode(commit) : [];
    },
  };
}
