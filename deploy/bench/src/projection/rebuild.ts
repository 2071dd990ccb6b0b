import { setTimeout as sleep } from "node:timers/promises";
import { SIGNALS } from "@fieldlog/contracts";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import { percentile } from "../frame/statistics.js";
import { OneService } from "../system/one-service.js";
import { fill, NAMESPACE } from "./signals.js";
import { openProjections, type Projections, rateUpTo, statusOf } from "./watch.js";

export interface RebuildPlan {
  /** In the log. */
  readonly events: number;
  /** Pages that are asked for per second, at a fixed rate. */
  readonly readsPerSecond: number;
}

/** A page as a person's screen asks for it. */
const PAGE = 20;

/** How fast a read model is built anew beside the one that is read. */
export const rebuild: Benchmark = {
  name: "rebuild",
  connections: 1,
  about: "the read model of events built anew while it is read; beside the same without a rebuild",
  run: (context) => rebuildRows(context, { events: 1_000_000, readsPerSecond: 50 }),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "repeats" | "seconds" | "signal" | "profiler">;

/** Raises NoResult when a read failed, or did not show what it had to. */
export async function rebuildRows(context: Context, plan: RebuildPlan): Promise<Row[]> {
  const { progress, repeats, signal } = context;
  const stage = await OneService.open("projections", context);
  try {
    await fill(stage.log, "events", plan.events);
    const last = await stage.log.lastSequence(SIGNALS);
    await stage.start();
    const client = openProjections(stage);
    try {
      const share = (sequence: number) => (sequence / last) * plan.events;
      const applied = async () => Number((await statusOf(client, "events"))?.sequence ?? 0);
      const first = await rateUpTo(last, share, applied, signal);
      progress(
        `${plan.events} events are in the log and the tables; the first time at ${Math.round(first)}/s`,
      );
      const rates: number[] = [];
      const [quiet, meanwhile] = [[] as number[], [] as number[]];
      for (let repeat = 0; repeat < repeats; repeat++) {
        const before = new Reads(client, plan);
        await sleep(context.seconds * 1_000, undefined, { signal });
        quiet.push(percentile(await before.stop(), 0.99));
        const during = new Reads(client, plan);
        const { result, usage } = await stage.measured("rebuild", () => rebuilt(client, last, share, signal));
        rates.push(result);
        meanwhile.push(percentile(await during.stop(), 0.99));
        progress(
          `rebuilt at ${Math.round(result)}/s; a page p99 ${meanwhile.at(-1)?.toFixed(1)} ms; ${usage(plan.events)}`,
        );
      }
      return [
        row({
          ...{ name: "events rebuilt while they are read", unit: "events/s", values: rates },
          peer: { name: "built the first time, unread", values: [first] },
          target: { atLeast: 30_000 },
        }),
        row({
          ...{ name: `a page of ${PAGE} events meanwhile, p99`, unit: "ms", values: meanwhile },
          peer: { name: "without a rebuild", values: quiet },
        }),
      ];
    } finally {
      client.close();
    }
  } finally {
    await stage.close();
  }
}

/** Events per second, until the new tables are in the place of the old ones. Raises NoResult. */
export async function rebuilt(
  client: Projections,
  last: number,
  share: (sequence: number) => number,
  signal: AbortSignal,
): Promise<number> {
  await client.rebuildReadModel({ name: "events" });
  let begun = false;
  return rateUpTo(
    last,
    share,
    async () => {
      const status = await statusOf(client, "events");
      if (status === undefined) return undefined;
      const at = status.rebuildSequence;
      if (at !== undefined) {
        begun = true;
        // Not before it is live.
        return Math.min(Number(at), last - 1);
      }
      return begun ? last : undefined;
    },
    signal,
  );
}

/** Pages of the newest events, asked for at a fixed rate, each timed from when it was due. */
class Reads {
  private readonly taken: number[] = [];
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly client: Projections,
    private readonly plan: RebuildPlan,
  ) {
    this.running = this.run();
    // Told by stop().
    this.running.catch(() => undefined);
  }

  /** Milliseconds, ascending. Raises NoResult. */
  async stop(): Promise<number[]> {
    this.stopping.abort();
    await this.running;
    return this.taken.sort((a, b) => a - b);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const begin = performance.now();
    const asked: Promise<void>[] = [];
    for (let count = 0; !signal.aborted; count++) {
      const due = begin + (count * 1_000) / this.plan.readsPerSecond;
      await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) asked.push(this.read(due));
    }
    await Promise.all(asked);
  }

  private async read(due: number): Promise<void> {
    const { events } = await this.client
      .listEvents({ namespace: NAMESPACE, limit: PAGE, newest: true })
      .catch((error: Error) => {
        throw new NoResult(`a page was not to be had: ${error.message}`);
      });
    this.taken.push(performance.now() - due);
    const newest = `id-${this.plan.events - 1}`;
    if (events.length !== PAGE || !events.some(({ identity }) => identity === newest)) {
      throw new NoResult(`a page did not show ${newest}`);
    }
  }
}
