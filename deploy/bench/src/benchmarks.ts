import { deviceClient } from "./device-client/device-client.js";
import { fanout } from "./fanout/fanout.js";
import type { Benchmark } from "./frame/benchmark.js";
import { ingest } from "./ingest/ingest.js";
import { liveness } from "./liveness/liveness.js";
import { matching } from "./matching/matching.js";
import { mqtt } from "./mqtt/mqtt.js";
import { projection } from "./projection/projection.js";
import { rebuild } from "./projection/rebuild.js";
import { scale } from "./scale/scale.js";
import { streams } from "./streams/streams.js";
import { websocket } from "./websocket/websocket.js";

/** In the order in which all of them run. */
export const BENCHMARKS: readonly Benchmark[] = [
  ...[ingest, mqtt, matching, fanout, websocket, projection, rebuild, liveness, streams, deviceClient, scale],
];

export const BENCHMARK_NAMES: readonly string[] = BENCHMARKS.map(({ name }) => name);
