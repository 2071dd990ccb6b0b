import { setTimeout as sleep } from "node:timers/promises";
import { streams as contract, SIGNALS } from "@fieldlog/contracts";
import { rpcClient } from "@fieldlog/rpc";
import pg from "pg";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import { percentile } from "../frame/statistics.js";
import { OneService } from "../system/one-service.js";
import { NAMESPACE, STREAM, say, toldAt } from "./messages.js";

/** What is sent. */
export interface Plan {
  /** All in the log before the service is started. */
  readonly messages: number;
  readonly devices: number;
  readonly perBatch: number;
  /** Devices of a fleet of which each sends one. */
  readonly fleet: number;
  /** Messages a second of the quiet line. */
  readonly perSecond: number;
}

const PLAN: Plan = { messages: 20_000, devices: 50, perBatch: 100, fleet: 10_000, perSecond: 20 };
const POLL_MS = 50;
const LONGEST_MS = 5 * 60_000;

/** How fast messages of devices' streams are sorted into batches, stored and told of. */
export const streams: Benchmark = {
  name: "streams",
  connections: 1,
  about: "messages of streams: sorted, stored and told of, and how long one of them takes",
  run: (context) => streamsRows(context, PLAN),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "seconds" | "signal" | "profiler">;

/** Raises NoResult when a message of the quiet line is not told of, or more or fewer are stored than were sent. */
export async function streamsRows(context: Context, plan: Plan): Promise<Row[]> {
  const stage = await OneService.open("streams", context);
  const database = new pg.Client({ connectionString: stage.postgres.url });
  try {
    await stage.start();
    await makeStream(stage);
    const delays = await quietLine(context, stage, plan);
    await stage.stop();
    await database.connect();
    let before = delays.length;
    const load = async (what: string, messages: number, begin: () => Promise<void>) => {
      await begin();
      context.progress(`${messages} messages are in the log`);
      await stage.start();
      const work = () => catchUp(context, database, messages, before);
      const { result: rates, usage } = await stage.measured(what, work);
      context.progress(usage(messages));
      await stage.stop();
      before += messages;
      return rates;
    };
    const { sorted, stored } = await load("messages", plan.messages, () => say(stage.log, plan));
    const fleet = (sent: number) =>
      load("a message of each", plan.fleet, () =>
        say(stage.log, { ...plan, messages: plan.fleet, devices: plan.fleet }, { fleet: "field", sent }),
      );
    const first = await fleet(0);
    const second = await fleet(1);
    return [
      row({ name: "messages sorted into batches", unit: "1/s", values: [sorted] }),
      row({ name: "messages stored and told of", unit: "1/s", values: [stored] }),
      row({ name: "one of each device of a large fleet", unit: "1/s", values: [second.stored] }),
      row({ name: "the first of each of these", unit: "1/s", values: [first.stored] }),
      row({ name: "one message, until it is told of, p50", unit: "ms", values: [percentile(delays, 0.5)] }),
      row({ name: "the same, p99", unit: "ms", values: [percentile(delays, 0.99)] }),
    ];
  } finally {
    await database.end().catch(() => undefined);
    await stage.close();
  }
}

async function makeStream(stage: OneService): Promise<void> {
  const client = rpcClient(contract.StreamsService, { address: stage.grpc, token: stage.token });
  try {
    await client.setStream({ namespace: NAMESPACE, ...STREAM, decidedBy: "bench" });
  } finally {
    client.close();
  }
}

/** Of each, per second. Raises NoResult when they are not all stored within minutes. */
async function catchUp({ progress, signal }: Context, database: pg.Client, messages: number, before: number) {
  const steps = { sorted: new Progress(before, messages), stored: new Progress(before, messages) };
  const deadline = performance.now() + LONGEST_MS;
  while (!steps.stored.done) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new NoResult("not all messages are stored");
    const { rows } = await database.query<{ sorted: string; stored: string }>(
      "SELECT count(*) AS sorted, count(object) AS stored FROM streams.stream_messages",
    );
    steps.sorted.note(Number(rows[0]?.sorted));
    steps.stored.note(Number(rows[0]?.stored));
    await sleep(POLL_MS);
  }
  const [sorted, stored] = [steps.sorted.perSecond, steps.stored.perSecond];
  progress(`${Math.round(sorted)} messages/s sorted, ${Math.round(stored)} stored`);
  return { sorted, stored };
}

class Progress {
  private first: { at: number; count: number } | undefined;
  private last: { at: number; count: number } | undefined;

  constructor(
    private readonly before: number,
    private readonly more: number,
  ) {}

  get done(): boolean {
    return this.last?.count === this.before + this.more;
  }

  /** Raises NoResult when there was one look at it: that is no rate. */
  get perSecond(): number {
    const [from, to] = [this.first, this.last];
    if (!from || !to || from.count === to.count) {
      throw new NoResult("the backlog is too small to measure a rate");
    }
    return (to.count - from.count) / ((to.at - from.at) / 1_000);
  }

  note(count: number): void {
    const whole = this.before + this.more;
    if (count > whole) throw new NoResult(`${count} messages of ${whole}`);
    if (count <= this.before || count === this.last?.count) return;
    this.last = { at: performance.now(), count };
    this.first ??= this.last;
  }
}

/** Milliseconds from word of a message to the log until that tells of it, shortest first. */
async function quietLine({ seconds, progress }: Context, stage: OneService, plan: Plan): Promise<number[]> {
  const count = Math.max(1, Math.round(seconds * plan.perSecond));
  const told = toldAt(stage.log, await stage.log.lastSequence(SIGNALS), count);
  const said = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    said.set(`quiet-${index}`, performance.now());
    await say(stage.log, { messages: 1, devices: 1, perBatch: 1 }, { device: "quiet", id: `quiet-${index}` });
    await sleep(1_000 / plan.perSecond);
  }
  const late = sleep(LONGEST_MS, undefined, { ref: false }).then(() => {
    throw new NoResult("not each message was told of");
  });
  const at = await Promise.race([told, late]);
  const delays = [...said].map(([id, begun]) => (at.get(id) ?? Number.NaN) - begun).sort((a, b) => a - b);
  progress(`one message takes ${percentile(delays, 0.5).toFixed(0)} ms`);
  return delays;
}
