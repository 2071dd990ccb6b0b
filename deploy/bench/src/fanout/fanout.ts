import { join } from "node:path";
import { auth } from "@fieldlog/contracts";
import { rpcClient } from "@fieldlog/rpc";
import { removeCluster, startPostgres } from "@fieldlog/servers";
import type { Benchmark, BenchmarkContext } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import type { Address } from "../load/orders.js";
import { type Peer, startMosquitto } from "../mqtt/peers.js";
import { openFilesLimit } from "../system/open-files.js";
import { System } from "../system/system.js";
import { startBroadcast } from "./broadcast.js";
import { delivery } from "./event.js";
import type { FanoutReport } from "./orders.js";
import { hello, publisher, type Server, Stage } from "./stage.js";

const SUBSCRIBERS = [1, 100, 1_000, 10_000];
/** With so many, what Fieldlog delivers is compared with a target, and with Mosquitto. */
const COMPARED = 1_000;
const PER_SECOND = 1_000;
const PLACES = 100;
const WARM_UP_S = 3;
/** Files and sockets that a process needs besides. */
const OTHER_FILES = 200;

interface Fanout {
  readonly subscribers: number;
  readonly ours: number[];
  /** By the peer's name. */
  readonly peers: ReadonlyMap<string, number[]>;
}

/** Events to WebSocket subscribers, and how long one is on its way. */
export const fanout: Benchmark = {
  name: "fanout",
  connections: 8,
  seconds: 3,
  about:
    "one event to many WebSocket subscribers, and the delay from a device's socket to a subscriber's; beside a bare " +
    "`ws` broadcast and Mosquitto",
  run: async (context) => {
    const clusterFolder = join(context.folder, "postgres");
    const postgres = await startPostgres({ dataDir: clusterFolder });
    const bytes = delivery();
    const stopping: (() => Promise<void>)[] = [];
    try {
      const { folder, progress, profiler } = context;
      context.progress("starting the system");
      const log = (line: string) => progress(`a service says: ${line}`);
      const options = { folder, name: "fanout", commit: "group", postgres, log, profiler } as const;
      const system = await System.start({ ...options, door: "edge-websocket" });
      stopping.push(() => system.stop());
      const http = await system.startHttp();
      const bare = await startBroadcast(bytes);
      stopping.push(() => bare.stop());
      const mosquitto = await startMosquitto(context);
      if (mosquitto) stopping.push(() => mosquitto.stop());
      const servers = [await fieldlog(system, context.connections), webSocketPeer(bare, context.connections)];
      if (mosquitto) servers.push(mqttPeer(mosquitto, context.connections));
      const stages = servers.map((server) => new Stage(context, server, bytes.length));
      for (const stage of stages) stopping.push(() => stage.stop());
      return await measure(context, stages, http);
    } finally {
      for (const stop of stopping.reverse()) await stop();
      await postgres.stop();
      await removeCluster(clusterFolder);
    }
  },
};

async function measure(context: BenchmarkContext, stages: readonly Stage[], http: Address): Promise<Row[]> {
  const { repeats, seconds } = context;
  const [ours, bare] = stages as [Stage, Stage];
  const paced = new Map<string, FanoutReport[]>();
  for (const [how, to] of [["by HTTP", http] as const, ["by WebSocket", undefined] as const]) {
    await ours.placed(PLACES, to);
    const reports: FanoutReport[] = [];
    // A fresh process has not compiled yet what it runs most.
    await ours.paced(WARM_UP_S, PER_SECOND, PLACES);
    for (let repeat = 0; repeat < repeats; repeat++) {
      reports.push(await ours.paced(seconds, PER_SECOND, PLACES));
    }
    paced.set(how, reports);
    await ours.close();
  }

  const all: Fanout[] = [];
  for (const subscribers of SUBSCRIBERS) {
    if (openFilesLimit() < subscribers + OTHER_FILES) {
      context.progress(`not with ${subscribers} subscribers: too few open files allowed`);
      continue;
    }
    const compared = subscribers === COMPARED ? stages : [ours, bare];
    const rates = new Map<Stage, number[]>(compared.map((stage) => [stage, []]));
    for (const stage of compared) await stage.subscribers(subscribers);
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const stage of compared) rates.get(stage)?.push(await stage.flood(seconds));
    }
    const peers = new Map(compared.slice(1).map((stage) => [stage.server.name, rates.get(stage) ?? []]));
    if (subscribers === COMPARED && !stages.some(({ server }) => server.wire === "mqtt")) {
      peers.set("Mosquitto", []);
    }
    all.push({ subscribers, ours: rates.get(ours) ?? [], peers });
  }
  return [...all.flatMap(fanoutRows), ...[...paced].flatMap(pacedRows)];
}

function fanoutRows({ subscribers, ours, peers }: Fanout): Row[] {
  const name = `each event to ${subscribers.toLocaleString("en")} WebSocket subscriber${subscribers > 1 ? "s" : ""}`;
  return [...peers].map(([peer, values], index) =>
    row({
      ...{ name, unit: "deliveries/s", values: ours, peer: { name: peer, values } },
      ...(index === 0 && subscribers === COMPARED ? { target: { ratio: 0.6 } } : {}),
    }),
  );
}

function pacedRows([how, reports]: readonly [string, readonly FanoutReport[]]): Row[] {
  const name = `${PER_SECOND.toLocaleString("en")} events/s ${how}, each for 1 of ${PLACES} subscribers`;
  const values = (of: (report: FanoutReport) => number) => reports.map(of);
  return [
    row({
      ...{ name, unit: "deliveries/s", values: values(({ perSecond }) => perSecond) },
      target: { atLeast: 0.99 * PER_SECOND },
    }),
    row({ name: `${name}, delay p50`, unit: "ms", values: values(({ p50Ms }) => p50Ms) }),
    row({
      ...{ name: `${name}, delay p99`, unit: "ms", values: values(({ p99Ms }) => p99Ms) },
      target: { below: 30 },
    }),
  ];
}

/** Each publisher has a key of its own, so that no key's budget bounds what is published. */
async function fieldlog(system: System, publishers: number): Promise<Server> {
  const client = rpcClient(auth.AuthService, system.grpc("auth"));
  try {
    const asked = { namespace: "", kind: "native", permission: "write", decidedBy: "bench" };
    const keys = await Promise.all(
      Array.from({ length: publishers }, (_, index) =>
        client.createApiKey({ ...asked, name: `bench-${index}` }),
      ),
    );
    return {
      ...{ name: "Fieldlog", address: system.edge, wire: "websocket" },
      pids: () => ({
        "edge-websocket": system.pid("edge-websocket"),
        "edge-http": system.pid("edge-http"),
        nats: system.nats.pid,
      }),
      publishers: keys.map(({ secret }) => publisher(secret)),
      subscriber: (filter) => ({ hello: hello(filter), key: system.adminKey }),
      isPeer: false,
    };
  } finally {
    client.close();
  }
}

function webSocketPeer({ name, address, pid }: Peer, publishers: number): Server {
  return {
    ...{ name, address, wire: "websocket", pids: () => ({ broadcast: pid }) },
    publishers: Array.from({ length: publishers }, () => publisher()),
    subscriber: (filter) => ({ hello: hello(filter) }),
    isPeer: true,
  };
}

function mqttPeer({ name, address, pid }: Peer, publishers: number): Server {
  return {
    ...{ name: `${name}, QoS 0`, address, wire: "mqtt", pids: () => ({ broker: pid }) },
    publishers: Array.from({ length: publishers }, () => ({ hello: "nobody" })),
    subscriber: () => ({ hello: "bench" }),
    isPeer: true,
  };
}
