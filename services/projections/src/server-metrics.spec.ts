import { LogUnavailable } from "@fieldlog/event-log";
import { createMetrics } from "@fieldlog/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { observeServers, type Watched } from "./server-metrics.js";

const USAGE = {
  ...{ bytes: 1, maxBytes: undefined, commits: 1, lastSequence: 1, wanted: 1 },
  copies: { leading: 1, current: 0, behind: 0 },
};

/** The values of a metric, with their labels. */
async function read(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const lines = (await metrics.metrics()).split("\n");
  return lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length));
}

function observed(log: Partial<Watched["log"]>, monitorUrl?: string) {
  const metrics = createMetrics();
  const database = {} as Watched["database"];
  const durability = { mode: "flushed" } as const;
  observeServers(metrics, {
    log: { usage: async () => USAGE, durability, signalsStreams: ["SIGNALS"], ...log },
    ...{ monitorUrl, database },
  });
  return metrics;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the metrics of the servers", () => {
  it("say that a stream has no leader also where nobody answers, and nothing else of it", async () => {
    let isThere = true;
    const usage = async () => {
      if (!isThere) throw new LogUnavailable("not connected to NATS");
      return USAGE;
    };
    const metrics = observed({ usage });
    const copies = () => read(metrics, "fieldlog_log_copies{");
    expect(await copies()).toContain('stream="SIGNALS",state="leading"} 1');
    isThere = false;
    vi.advanceTimersByTime(2_000);
    expect(await copies()).toEqual([
      'stream="SIGNALS",state="leading"} 0',
      'stream="REGISTRY",state="leading"} 0',
    ]);
    expect(await read(metrics, "fieldlog_log_bytes{")).toEqual([]);
  });

  it("ask for both streams at once", async () => {
    const asked: string[] = [];
    const metrics = observed({
      usage: (stream) => {
        asked.push(stream);
        return new Promise((resolve) => setTimeout(() => resolve({ ...USAGE, bytes: asked.length }), 10));
      },
    });
    expect(await read(metrics, "fieldlog_log_bytes{")).toEqual([
      'stream="SIGNALS"} 2',
      'stream="REGISTRY"} 2',
    ]);
  });

  it("say whether NATS flushes as it does now, and go on for a moment where it does not answer", async () => {
    let says: object | undefined = { sync_always: true };
    vi.stubGlobal("fetch", async () => {
      if (says === undefined) throw new TypeError("fetch failed");
      return Response.json({ jetstream: { config: says } });
    });
    const metrics = observed({}, "http://nats:8222");
    const flushed = async (after: number) => {
      vi.advanceTimersByTime(after);
      return Number((await read(metrics, "fieldlog_log_flushed "))[0]);
    };
    expect(await flushed(0)).toBe(1);
    says = { sync_interval: 120e9 };
    expect(await flushed(11_000)).toBe(0);
    says = { sync_always: true };
    expect(await flushed(11_000)).toBe(1);
    says = undefined;
    expect(await flushed(11_000)).toBe(1);
    expect(await flushed(60_000)).toBe(0);
  });
});
