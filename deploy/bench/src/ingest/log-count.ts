import { SIGNALS } from "@fieldlog/contracts";
import { connectLog, decodeBatch } from "@fieldlog/event-log";
import type { RunningNats } from "@fieldlog/servers";

/** What the log holds. */
export interface LogCount {
  readonly signals: number;
  /** Signals that are in the log under an identity which an earlier one already had. */
  readonly repeated: number;
  readonly commits: number;
  /** `upTo[sequence]`: signals in the commits up to that sequence. */
  readonly upTo: readonly number[];
}

/** Reads the whole log of signals and counts. */
export async function countLog(nats: RunningNats): Promise<LogCount> {
  const log = await connectLog({ url: nats.url, name: "bench" });
  try {
    const last = await log.lastSequence(SIGNALS);
    const upTo = [0];
    const identities = new Set<string>();
    let signals = 0;
    if (last === 0) return { signals, repeated: 0, commits: 0, upTo };
    const end = new AbortController();
    for await (const commits of log.read(SIGNALS, { after: 0, signal: end.signal })) {
      for (const commit of commits) {
        for (const signal of decodeBatch(commit.data)) {
          signals++;
          identities.add(`${signal.device} ${signal.identity}`);
        }
        upTo[commit.sequence] = signals;
      }
      if ((commits.at(-1)?.sequence ?? 0) >= last) break;
    }
    end.abort();
    return { signals, repeated: signals - identities.size, commits: upTo.length - 1, upTo };
  } finally {
    await log.close();
  }
}
