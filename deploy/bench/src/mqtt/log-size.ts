import { SIGNALS } from "@fieldlog/contracts";
import { connectLog, decodeBatch } from "@fieldlog/event-log";
import type { RunningNats } from "@fieldlog/servers";

/** Signals in the log, and commits that they are in. */
export async function logSize(nats: RunningNats): Promise<{ signals: number; commits: number }> {
  const log = await connectLog({ url: nats.url, name: "bench" });
  const end = new AbortController();
  try {
    const last = await log.lastSequence(SIGNALS);
    let signals = 0;
    if (last === 0) return { signals, commits: 0 };
    for await (const commits of log.read(SIGNALS, { after: 0, signal: end.signal })) {
      for (const { data } of commits) signals += decodeBatch(data).length;
      if ((commits.at(-1)?.sequence ?? 0) >= last) break;
    }
    return { signals, commits: last };
  } finally {
    end.abort();
    await log.close();
  }
}
