import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "@fieldlog/chance";
import { atMostEvery } from "../display/at-most-every.js";
import { TentaApi } from "./api.js";
import { airLine, HEADING, type Tally } from "./lines.js";
import { type Normals, sinceNewYear, type Weather, YEAR_MS } from "./normals.js";
import { register } from "./register.js";
import { type Report, Sensor } from "./sensor.js";
import { placeSites } from "./sites.js";
import type { AirState, Identity } from "./state.js";

export interface AirOptions {
  /** Of the HTTP edge, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Of the MQTT edge, such as `mqtt://127.0.0.1:1883`. */
  readonly mqttUrl: string;
  readonly sensors: number;
  /** How many times as fast as in the list the hours go by. */
  readonly speed: number;
  readonly seed: number;
  readonly normals: Normals;
  readonly state: AirState;
  /** Takes a line of output. */
  readonly print: (line: string) => void;
}

/** The hours of the list are Seattle's. */
const SEATTLE_MS = -8 * 3_600_000;
const SHORTEST_PAUSE_MS = 1_000;
const SHOW_MS = 15_000;
const FIRST_SHOW_MS = 5_000;
const SAY_AGAIN_MS = 5_000;
/** Sensors of which is read back: the others are as good. */
const READ_BACK = 24;
const CLOSE_MS = 1_000;

/** Runs the network until the signal: registration, measurements, and what is read back of them. Raises RegistrationRefused. */
export async function simulateAir(o: AirOptions, signal: AbortSignal): Promise<void> {
  const complain = atMostEvery(SAY_AGAIN_MS, o.print);
  const onRetry = (reason: string) => complain(`No answer from ${o.url} (${reason}); trying again`);
  const api = new TentaApi({ url: o.url, signal, onRetry });
  const sites = placeSites(o.sensors, o.seed);
  const progress = atMostEvery(1_000, o.print);
  const registered = await register(api, o.state, sites, progress).catch(unlessAborted(signal));
  if (!registered) return;
  const { network, sensors: identities, known } = registered;
  const before = known > 0 ? `, ${known} of them by an earlier run` : "";
  o.print(
    `${identities.size} sensors are registered in the network ${network.name}${before}. ` +
      `A year of Seattle's weather happens again, ${o.speed} times as fast.`,
  );

  const tally: Tally = { acknowledgedMs: [], refused: 0, dropped: 0 };
  const report = reportTo(tally, o.mqttUrl, complain);
  const replay = replayClock(o);
  const sensors = [...identities].map(([site, identity], index) => {
    const random = seeded(o.seed + index);
    const generation = index % 2 === 0 ? "newer" : "older";
    return new Sensor({ site, identity, generation, mqttUrl: o.mqttUrl, random, report });
  });
  const measuring = sensors.map((sensor, index) =>
    measure(sensor, { ...o, replay, delay: index / sensors.length }, signal),
  );
  const showing = show(
    { api, network: network.id, identities, sensors, replay, tally, print: o.print },
    signal,
  );
  await Promise.all([...measuring, showing].map((part) => part.catch(unlessAborted(signal))));
  await Promise.all(sensors.map((sensor) => sensor.close(CLOSE_MS)));
  o.state.replay = replay();
  await o.state.save();
}

/** Milliseconds since the replayed year's begin; first the present season, later where the last run ended. */
function replayClock({ state, speed }: AirOptions): () => number {
  const from = state.replay ?? sinceNewYear(new Date(Date.now() + SEATTLE_MS));
  const startedAt = performance.now();
  return () => (from + (performance.now() - startedAt) * speed) % YEAR_MS;
}

/** Measures at the interval of the sensor's configuration; `delay`: the share of it that passes before the first time. */
async function measure(
  sensor: Sensor,
  { normals, speed, replay, delay }: AirOptions & { replay: () => number; delay: number },
  signal: AbortSignal,
): Promise<never> {
  const pause = () => Math.max(SHORTEST_PAUSE_MS, (sensor.intervalS * 1000) / speed);
  await sleep(delay * pause(), undefined, { signal });
  for (;;) {
    sensor.measure(normals.at(replay()), Date.now());
    await sleep(pause(), undefined, { signal });
  }
}

interface Display {
  readonly api: TentaApi;
  readonly network: string;
  readonly identities: ReadonlyMap<unknown, Identity>;
  readonly sensors: readonly Sensor[];
  readonly replay: () => number;
  readonly tally: Tally;
  readonly print: (line: string) => void;
}

async function show(o: Display, signal: AbortSignal): Promise<never> {
  o.print(HEADING);
  for (let pause = FIRST_SHOW_MS; ; pause = SHOW_MS) {
    await sleep(pause, undefined, { signal });
    const weather = await readBack(o);
    const tally = { ...o.tally };
    Object.assign(o.tally, { acknowledgedMs: [], refused: 0, dropped: 0 });
    const connected = o.sensors.filter((sensor) => sensor.connected).length;
    o.print(
      airLine({ replay: o.replay(), sensors: o.sensors.length, connected, weather, tally }, new Date()),
    );
  }
}

/** The newest of each sensor that has been through the log and the read model. */
async function readBack({ api, network, identities }: Display): Promise<Weather[]> {
  const some = [...identities.values()].slice(0, READ_BACK);
  const pages = await Promise.all(some.map(({ id }) => api.measurements(network, id)));
  return pages.flatMap((page) => {
    const { temperature, pressure, wind } = page.at(-1)?.value ?? {};
    if (temperature === undefined || pressure === undefined || wind === undefined) return [];
    return [{ temperature, pressure, wind }];
  });
}

function reportTo(tally: Tally, mqttUrl: string, complain: (line: string) => void): Report {
  return {
    acknowledged: (ms) => tally.acknowledgedMs.push(ms),
    refused: (reason) => {
      tally.refused++;
      complain(`Refused: ${reason}`);
    },
    dropped: () => tally.dropped++,
    configured: () => undefined,
    away: (reason) => complain(`No connection to ${mqttUrl} (${reason}); trying again`),
  };
}

function unlessAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
