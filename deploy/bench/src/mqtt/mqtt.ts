import { join } from "node:path";
import { removeCluster, startPostgres } from "@fieldlog/servers";
import type { Benchmark, BenchmarkContext } from "../frame/benchmark.js";
import {
  IDLE_MQTT_SESSION,
  MQTT_MEASUREMENTS,
  WHOLE_PATH,
  WHOLE_PATH_BUSY,
  WHOLE_PATH_RATE,
} from "../frame/names.js";
import { type Row, row } from "../frame/result.js";
import { median } from "../frame/statistics.js";
import { withUsage } from "../system/process-usage.js";
import { anonymousLanes, measurementLanes, plainLanes } from "./fleet.js";
import { idleMemory } from "./idle.js";
import { MqttLoad, WINDOW } from "./load.js";
import { type Peer, startAedes, startMosquitto, startNatsMqtt } from "./peers.js";
import { checked, MqttStage, PROCESSES, say, WARM_UP_MS } from "./stage.js";
import { type WholePath, wholePath } from "./whole-path.js";

interface Figures {
  readonly peak: number[];
  readonly single: number[];
  readonly measurements: number[];
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  /** By the peer's name. */
  readonly peers: ReadonlyMap<string, number[]>;
  readonly idleKiB: number | undefined;
  readonly path: WholePath | undefined;
}

const MOSQUITTO = "Mosquitto";

/** Publishes with QoS 1 into the flushed log, beside brokers that keep them in memory. */
export const mqtt: Benchmark = {
  name: "mqtt",
  connections: 50,
  about:
    "MQTT publishes with QoS 1 into the flushed log and on into Postgres; beside Mosquitto, aedes, the NATS " +
    "server's own MQTT, and one publish per message",
  run: async (context) => {
    const clusterFolder = join(context.folder, "postgres");
    const postgres = await startPostgres({ dataDir: clusterFolder });
    const load = new MqttLoad(PROCESSES);
    const peers: Peer[] = [];
    try {
      for (const start of [startMosquitto, startAedes, startNatsMqtt]) {
        const peer = await start(context);
        if (peer) peers.push(peer);
      }
      const on = <T>(name: string, commit: "single" | "group", work: (stage: MqttStage) => Promise<T>) =>
        MqttStage.with(context, load, { name, commit, postgres }, work);
      const figures = await on("single", "single", (single) =>
        on("grouped", "group", (grouped) => measure(grouped, single, peers)),
      );
      // On a log of its own: behind the one before, the read models would have millions of messages to follow first.
      const path =
        context.path > 0 ? await on("path", "group", (stage) => wholePath(stage, context.path)) : undefined;
      return rows({ ...figures, path });
    } finally {
      for (const peer of peers) await peer.stop();
      await load.stop();
      await postgres.stop();
      await removeCluster(clusterFolder);
    }
  },
};

/** Everything runs all the time, so that what is compared is measured one right after the other. */
async function measure(
  grouped: MqttStage,
  single: MqttStage,
  peers: readonly Peer[],
): Promise<Omit<Figures, "path">> {
  const { context, load } = grouped;
  const idleKiB = await idleMemory(grouped);
  await grouped.system.restartEdge();

  const ms = context.seconds * 1000;
  const plain = grouped.target(plainLanes(grouped.senders));
  const onePublishEach = single.target(plainLanes(single.senders));
  const measurements = () => grouped.target(measurementLanes(grouped.senders, Date.now()));
  const peerRun = async (peer: Peer, forMs: number) => {
    const target = { to: peer.address, lanes: anonymousLanes(context.connections) };
    const work = () => load.closed(target, WARM_UP_MS, forMs);
    const { result, usage } = await withUsage({ ...load.pids, broker: peer.pid }, work);
    say(context, peer.name, result, usage);
    return checked(result).perSecond;
  };
  const closed = (stage: MqttStage, name: string, target: typeof plain, forMs = ms) =>
    stage.run(name, () => load.closed(target, WARM_UP_MS, forMs));

  context.progress("warming up");
  for (const peer of peers) await peerRun(peer, 1_000);
  await closed(grouped, "warm-up, group commit", plain, 3_000);
  await closed(single, "warm-up, one publish per message", onePublishEach, 1_000);

  const figures = { peak: [], single: [], measurements: [], p50Ms: [], p99Ms: [] } as Record<
    "peak" | "single" | "measurements" | "p50Ms" | "p99Ms",
    number[]
  >;
  const rates = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  if (!peers.some(({ name }) => name.startsWith(MOSQUITTO))) rates.set(MOSQUITTO, []);
  await times(context, async () => {
    for (const peer of peers) rates.get(peer.name)?.push(await peerRun(peer, ms));
    figures.peak.push((await closed(grouped, "group commit", plain)).perSecond);
    figures.single.push((await closed(single, "one publish per message", onePublishEach)).perSecond);
    figures.measurements.push((await closed(grouped, "measurements", measurements())).perSecond);
  });
  await single.verifyLog();
  const half = median(figures.peak) / 2;
  await times(context, async () => {
    const report = await grouped.run(`at ${Math.round(half)}/s`, () =>
      load.open(plain, half, WARM_UP_MS, ms),
    );
    figures.p50Ms.push(report.p50Ms);
    figures.p99Ms.push(report.p99Ms);
  });
  await grouped.verifyLog();
  return { ...figures, peers: rates, idleKiB };
}

async function times({ repeats }: BenchmarkContext, work: () => Promise<void>): Promise<void> {
  for (let repeat = 0; repeat < repeats; repeat++) await work();
}

function rows({ peak, single, measurements, p50Ms, p99Ms, peers, idleKiB, path }: Figures): Row[] {
  const unit = "messages/s";
  const name = `publish with QoS 1, ${WINDOW} in flight, flushed before the PUBACK`;
  const beside = [...peers].map(([peer, values]) =>
    row({
      ...{ name, unit, values: peak, peer: { name: peer, values } },
      ...(peer.startsWith(MOSQUITTO) ? { target: { ratio: 0.5 } } : {}),
    }),
  );
  return [
    ...beside,
    row({
      ...{ name, unit, values: peak, target: { ratio: 8 } },
      peer: { name: "one publish per message", values: single },
    }),
    row({ name: MQTT_MEASUREMENTS, unit, values: measurements }),
    row({ name: "acknowledgement at half of that rate, p50", unit: "ms", values: p50Ms }),
    row({
      name: "acknowledgement at half of that rate, p99",
      unit: "ms",
      values: p99Ms,
      target: { below: 50 },
    }),
    ...(idleKiB === undefined
      ? []
      : [
          row({
            name: IDLE_MQTT_SESSION,
            ...{ unit: "KiB", values: [idleKiB], target: { below: 25 } },
          }),
        ]),
    ...(path === undefined ? [] : pathRows(path)),
  ];
}

function pathRows({ report, lagMaxS, lagP99S, stored, busy }: WholePath): Row[] {
  const path = WHOLE_PATH;
  return [
    row({
      ...{ name: `${path}, into Postgres`, unit: "messages/s", values: [report.perSecond] },
      target: { atLeast: 0.99 * WHOLE_PATH_RATE },
    }),
    row({ name: `${path}, measurements stored, none lost`, unit: "rows", values: [stored] }),
    row({ name: `${path}, acknowledgement p99`, unit: "ms", values: [report.p99Ms] }),
    row({ name: `${path}, lag of the read models, p99`, unit: "s", values: [lagP99S] }),
    row({
      name: `${path}, lag of the read models, most`,
      ...{ unit: "s", values: [lagMaxS], target: { below: 2 } },
    }),
    ...Object.entries(busy).map(([process, cores]) =>
      row({ name: `${WHOLE_PATH_BUSY}${process}`, unit: "cores", values: [cores] }),
    ),
  ];
}
