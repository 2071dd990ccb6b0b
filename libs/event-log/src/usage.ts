import type { StreamInfo } from "@nats-io/jetstream";

/** What a stream takes up, and how it stands with its copies. */
export interface StreamUsage {
  /** Of the store, compressed. */
  readonly bytes: number;
  /** At which it refuses more; undefined: no limit of its own. */
  readonly maxBytes: number | undefined;
  readonly commits: number;
  readonly lastSequence: number;
  /** Copies that there should be. */
  readonly wanted: number;
  /** Copies by how they are: the leader's (0 while there is none), those that follow it, and those that do not. */
  readonly copies: { readonly leading: number; readonly current: number; readonly behind: number };
}

export function usageOf({ config, state, cluster }: StreamInfo): StreamUsage {
  const others = cluster?.replicas ?? [];
  const current = others.filter((peer) => peer.current && !peer.offline).length;
  // A server that is no cluster names no leader.
  const leading = cluster === undefined || cluster.leader ? 1 : 0;
  return {
    ...{ bytes: state.bytes, commits: state.messages, lastSequence: state.last_seq },
    maxBytes: config.max_bytes > 0 ? config.max_bytes : undefined,
    wanted: config.num_replicas,
    copies: { leading, current, behind: others.length - current },
  };
}

/** What a server's store holds, of all that it may. */
export interface StoreUsage {
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Asks the server's monitoring endpoint; undefined: there is none, or it does not answer within 1 s. */
export async function readStore(monitorUrl: string | undefined): Promise<StoreUsage | undefined> {
  if (monitorUrl === undefined) return undefined;
  try {
    const answer = await fetch(new URL("/jsz", monitorUrl), { signal: AbortSignal.timeout(1_000) });
    return storeOf(await answer.json());
  } catch {
    return undefined;
  }
}

/** From what `/jsz` answers. */
export function storeOf(jsz: unknown): StoreUsage | undefined {
  const { storage, config } = jsz as { storage?: number; config?: { max_storage?: number } };
  const maxBytes = config?.max_storage ?? 0;
  return storage === undefined || maxBytes <= 0 ? undefined : { bytes: storage, maxBytes };
}
