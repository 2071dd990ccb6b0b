/** Most shards: what 12 bits of an id tell. */
export const MOST_SHARDS = 4_096;

const UUID_LENGTH = 36;
/** Where a UUID has its version, and after it three hexadecimal digits. RFC 9562, 4.2. */
const VERSION_AT = 14;
/** Of the version that leaves its bits to whoever makes it. RFC 9562, 5.8. */
const CUSTOM = "8";
const SHARD = /^[0-9a-f]{3}$/;

/**
 * The shard in whose stream a namespace's signals lie, as its id says, for ever: 0, the first, unless the id is a UUID of
 * version 8, whose 12 bits behind the version are the shard.
 */
export function shardOf(namespace: string): number {
  if (namespace.length !== UUID_LENGTH || namespace[VERSION_AT] !== CUSTOM) return 0;
  const shard = namespace.slice(VERSION_AT + 1, VERSION_AT + 4);
  return SHARD.test(shard) ? Number.parseInt(shard, 16) : 0;
}

/** To who meets a shard that it was not told of. */
export function unservedShard(namespace: string): string {
  return `namespace ${namespace} lies in shard ${shardOf(namespace)}; FIELDLOG_SHARDS is too low`;
}

/** The UUID (version 4) as the id of a namespace of the shard. Raises RangeError. */
export function idInShard(uuid: string, shard: number): string {
  if (shard === 0) return uuid;
  if (!(shard > 0 && shard < MOST_SHARDS)) throw new RangeError(`there is no shard ${shard}`);
  const told = CUSTOM + shard.toString(16).padStart(3, "0");
  return uuid.slice(0, VERSION_AT) + told + uuid.slice(VERSION_AT + 4);
}
