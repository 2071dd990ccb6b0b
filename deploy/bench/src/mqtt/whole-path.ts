import { setTimeout as sleep } from "node:timers/promises";
import { projections } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import pg from "pg";
import { NoResult } from "../frame/benchmark.js";
import { WHOLE_PATH_RATE } from "../frame/names.js";
import { createSenders, measurementLanes, type Sender } from "./fleet.js";
import type { MqttReport } from "./orders.js";
import { type MqttStage, WARM_UP_MS } from "./stage.js";

const DEVICES = 5_000;
const POLL_MS = 100;
const CATCH_UP_MS = 30_000;

/** What the whole path did: from 5,000 devices through the log into Postgres. */
export interface WholePath {
  readonly report: MqttReport;
  /** Seconds that the read models were behind the log, no more than: of all looks at them, and of 99 %. */
  readonly lagMaxS: number;
  readonly lagP99S: number;
  /** Rows of measurements, of those that were acknowledged. */
  readonly stored: number;
  /** Processors that each process kept busy. */
  readonly busy: Readonly<Record<string, number>>;
}

/**
 * 5,000 devices, each on a connection and with a password of its own, send a measurement of three values a
 * second each, while the read models follow. Raises NoResult when a measurement is missing in Postgres.
 */
export async function wholePath(stage: MqttStage, seconds: number): Promise<WholePath> {
  const { system, context } = stage;
  context.progress(`creating ${DEVICES} devices`);
  const senders = await createSenders(system, "path", DEVICES);
  const databaseUrl = await system.freshDatabase();
  await system.startProjections(databaseUrl);
  const watch = new LagWatch(stage);
  try {
    return await measure(stage, watch, { senders, databaseUrl, seconds });
  } finally {
    watch.close();
  }
}

async function measure(
  stage: MqttStage,
  watch: LagWatch,
  { senders, databaseUrl, seconds }: { senders: readonly Sender[]; databaseUrl: string; seconds: number },
): Promise<WholePath> {
  const { load, context } = stage;
  await watch.untilCaughtUp(CATCH_UP_MS * 4);
  const before = await countMeasurements(databaseUrl);
  const end = new AbortController();
  const watching = watch.follow(end.signal);
  const lanes = stage.target(measurementLanes(senders, Date.now()));
  const name = `whole path, ${WHOLE_PATH_RATE} measurements/s of ${DEVICES} devices for ${seconds} s`;
  context.progress(name);
  const work = () => load.open(lanes, WHOLE_PATH_RATE, WARM_UP_MS, seconds * 1000);
  const { report, busy } = await stage.observed(name, work, { Postgres: stage.postgres.pid });
  end.abort();
  await watching;
  await watch.untilCaughtUp(CATCH_UP_MS);
  const stored = (await countMeasurements(databaseUrl)) - before;
  if (stored !== report.acknowledged) {
    throw new NoResult(`Postgres holds ${stored} measurements, acknowledged were ${report.acknowledged}`);
  }
  const { maxS, p99S } = watch;
  context.progress(`lag of the read models: p99 ${p99S.toFixed(2)} s, at most ${maxS.toFixed(2)} s`);
  return { report, lagMaxS: maxS, lagP99S: p99S, stored, busy };
}

async function countMeasurements(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query("select to_regclass('projections.measurements') as there");
    // Of an empty log the read model may not have made its tables yet.
    if (!rows[0]?.there) return 0;
    const counted = await client.query("select count(*)::int as count from projections.measurements");
    return counted.rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

/** The sequences that the read models have applied and that the log had, at a time. */
interface Look {
  readonly applied: number;
  readonly log: number;
  readonly at: number;
}

/** Looks at the read models of SIGNALS, and how long ago the log held what they hold now. */
class LagWatch {
  readonly #lags: number[] = [];
  /** Looks at the log, from the newest one on whose sequence is applied. */
  readonly #seen: { readonly sequence: number; readonly at: number }[] = [];
  readonly #client: RpcClient<typeof projections.ProjectionsService>;

  constructor(stage: MqttStage) {
    this.#client = rpcClient(projections.ProjectionsService, stage.system.grpc("projections"));
  }

  close(): void {
    this.#client.close();
  }

  get maxS(): number {
    return this.#lags.reduce((most, lag) => Math.max(most, lag), 0);
  }
  get p99S(): number {
    const sorted = this.#lags.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? 0;
  }

  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const state = await this.#look();
      if (state) this.#note(state);
      await sleep(POLL_MS);
    }
  }

  async untilCaughtUp(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const state = await this.#look();
      if (state && state.applied >= state.log) return;
      if (performance.now() > deadline) throw new NoResult("the read models do not reach the end of the log");
      await sleep(POLL_MS);
    }
  }

  /** What the log was seen to hold at an earlier look, and the tables hold now, is no older than that look. */
  #note({ applied, log, at }: Look): void {
    this.#seen.push({ sequence: log, at });
    while ((this.#seen[1]?.sequence ?? Number.POSITIVE_INFINITY) <= applied) this.#seen.shift();
    this.#lags.push((performance.now() - (this.#seen[0]?.at ?? at)) / 1000);
  }

  /** Undefined while projections starts. Raises NoResult for a read model that is stopped or set something aside. */
  async #look(): Promise<Look | undefined> {
    const at = performance.now();
    const { readModels } = await this.#client.listReadModels({}).catch(() => ({ readModels: [] }));
    const ofSignals = readModels.filter(({ name }) => SIGNAL_MODELS.has(name));
    if (ofSignals.length !== SIGNAL_MODELS.size) return undefined;
    const bad = ofSignals.find((model) => model.state === "stopped" || model.parkedDevices > 0);
    if (bad) throw new NoResult(`the read model ${bad.name} stopped or parked: ${bad.reason}`);
    return {
      applied: Math.min(...ofSignals.map((model) => Number(model.sequence))),
      log: Math.max(...ofSignals.map((model) => Number(model.logSequence))),
      at,
    };
  }
}

/** The read models that are built from the signals' log. */
export const SIGNAL_MODELS: ReadonlySet<string> = new Set(["events", "readings", "messages"]);
