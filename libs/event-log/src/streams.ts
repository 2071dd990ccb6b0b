import { ALL_REGISTRY, limits, REGISTRY, signalsOfShard, streamOfShard } from "@fieldlog/contracts";
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";

export interface StreamOptions {
  /** Copies in a cluster: 1, 3 or 5. Undefined: as many as there are, 1 of a new stream. */
  readonly replicas: number | undefined;
  /** Streams of signals; at least 1. */
  readonly shards: number;
  /** Bytes at which a stream, each of several, refuses new messages; -1: no limit. */
  readonly signalsMaxBytes: number;
  readonly registryMaxBytes: number;
}

/** The logs, and why they are set as they are. */
export function streamDefinitions(options: StreamOptions) {
  const permanent = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    compression: compressionOf(options.replicas),
    // Permanent: no age limit, and a full stream refuses new messages, it never discards old ones.
    max_age: 0,
    discard: DiscardPolicy.New,
    // Single messages are never deleted; a namespace is cleared by a purge.
    deny_delete: true,
    allow_direct: true,
    num_replicas: options.replicas ?? 1,
    // A commit is retried for seconds; within this time its id keeps it from being stored twice.
    duplicate_window: nanos(120_000),
    // A commit and its headers.
    max_msg_size: limits.commitBytes + 16 * 1024,
  } satisfies Partial<StreamConfig>;
  return [
    // Facts. One message is one commit of one namespace, which has its stream by its shard.
    ...Array.from({ length: options.shards }, (_, shard) => ({
      ...{ ...permanent, name: streamOfShard(shard), subjects: [signalsOfShard(shard)] },
      max_bytes: options.signalsMaxBytes,
    })),
    // Decisions. One subject is one aggregate's history.
    { ...permanent, name: REGISTRY, subjects: [ALL_REGISTRY], max_bytes: options.registryMaxBytes },
  ];
}

/** Creates the streams that do not exist, and brings the limits and replicas of those that do up to date. */
export async function ensureStreams(jsm: JetStreamManager, options: StreamOptions): Promise<void> {
  for (const definition of streamDefinitions(options)) {
    try {
      const { config } = await jsm.streams.info(definition.name);
      const { max_bytes, max_msg_size } = definition;
      const num_replicas = options.replicas ?? config.num_replicas;
      const changed =
        config.max_bytes !== max_bytes ||
        config.num_replicas !== num_replicas ||
        config.max_msg_size !== max_msg_size ||
        config.compression !== compressionOf(num_replicas);
      if (!changed) continue;
      const compression = compressionOf(num_replicas);
      await jsm.streams.update(definition.name, { max_bytes, num_replicas, max_msg_size, compression });
    } catch (error) {
      const missing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
      if (!missing) throw error;
      await jsm.streams.add(definition);
    }
  }
}

/**
 * Of several copies none is compressed: nats-server (2.15.2 at least) shortens a copy when it starts or falls behind, and
 * compresses its last block at the same moment; what is then added makes the copy unreadable, and it is thrown away.
 */
export function compressionOf(copies = 1): StoreCompression {
  return copies > 1 ? StoreCompression.None : StoreCompression.S2;
}
