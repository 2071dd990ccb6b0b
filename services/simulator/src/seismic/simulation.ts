import { setTimeout as sleep } from "node:timers/promises";
import { atMostEvery } from "../display/at-most-every.js";
import { RegistrationRefused } from "../refused.js";
import { Device, type Report } from "./device/device.js";
import type { Registrations } from "./device/registrations.js";
import { Sender } from "./device/sender.js";
import { Association } from "./display/association.js";
import { HEADING, type Tally } from "./display/lines.js";
import { ReadBack } from "./display/read-back.js";
import { showEarthquakes, showStatus } from "./display/show.js";
import type { Quake } from "./network/catalogue.js";
import { liveliest, type Occurrence, picksOf, replay } from "./network/replay.js";
import type { Station } from "./network/stations.js";

export interface SimulationOptions {
  /** Of the edge, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly namespace: string;
  /** An API key that may read; without it nothing is read back. */
  readonly key: string | undefined;
  /** How many times as fast as in the list earthquakes and heartbeats follow each other. */
  readonly speed: number;
  /** Requests under way at once. */
  readonly concurrency: number;
  readonly quakes: readonly Quake[];
  readonly stations: readonly Station[];
  readonly registrations: Registrations;
  /** Takes a line of output. */
  readonly print: (line: string) => void;
}

const HEARTBEAT_S = 600;
const SHORTEST_HEARTBEAT_S = 1;
const FIRST_QUAKE_MS = 3_000;
/** The first minute is to be a lively one. */
const LIVELY_MS = 60_000;
const SAY_AGAIN_MS = 5_000;

/** Milliseconds that messages have to be answered in once the network is told to stop. */
const GOODBYE_MS = 2_000;

/**
 * Runs the network until the signal: registration, heartbeats, earthquakes, and what is read back of them.
 * Raises RegistrationRefused.
 */
export async function simulate(options: SimulationOptions, signal: AbortSignal): Promise<void> {
  const { url, key, print, registrations, stations } = options;
  const startedAt = Date.now();
  const complain = atMostEvery(SAY_AGAIN_MS, print);
  const tally: Tally = { picks: 0, heartbeats: 0, offers: 0, uploads: 0, refused: 0, unanswered: 0 };
  const report: Report = (what, outcome) => {
    if (outcome.kind === "accepted") tally[`${what}s`]++;
    else if (outcome.kind === "refused") {
      tally.refused++;
      complain(`Refused: ${outcome.reason}`);
    } else tally.unanswered++;
  };
  const onRetry = (reason: string) => complain(`No answer from ${url} (${reason}); trying again`);
  // The stations say goodbye; an edge that has gone before them does not hold them up.
  const cut = new AbortController();
  signal.addEventListener("abort", () => setTimeout(() => cut.abort(), GOODBYE_MS).unref(), { once: true });
  const sender = new Sender({ ...options, signal, cut: cut.signal, onRetry });
  const devices = stations.map((station) => new Device({ station, sender, registrations, report }));
  await register(devices, options, signal);

  const association = new Association();
  const parts = [
    beat(devices, options.speed, signal),
    shake(devices, options, association, signal),
    showStatus(tally, devices.length, print, signal),
  ];
  if (key) {
    const source = new ReadBack({ ...options, key, from: startedAt });
    parts.push(showEarthquakes(source, association, print, complain, signal));
  }
  await Promise.all(parts.map((part) => part.catch(unlessAborted(signal))));
  await Promise.all(devices.map((device) => device.heartbeat("quit")));
  await registrations.close();
}

async function register(devices: Device[], options: SimulationOptions, signal: AbortSignal): Promise<void> {
  const { print, registrations, url, namespace, speed } = options;
  const known = devices.filter((device) => device.id !== undefined).length;
  const progress = atMostEvery(1_000, print);
  if (known < devices.length) {
    progress(`Registering ${devices.length - known} stations at ${url}, namespace ${namespace}`);
  }
  let done = known;
  await Promise.all(
    devices.map(async (device) => {
      const outcome = await device.register();
      if (outcome.kind === "refused") {
        throw new RegistrationRefused(`${url} refuses to register a station: ${outcome.reason}`);
      }
      if (outcome.kind === "accepted") progress(`Registered ${++done} of ${devices.length} stations`);
    }),
  );
  await registrations.save();
  if (signal.aborted) return;
  const before = known > 0 ? `, ${known} of them by an earlier run` : "";
  print(`${done} stations are registered${before}. A week of 2018 happens again, ${speed} times as fast.`);
}

/** Each station says that it is alive every ten minutes of the replay, one station after the other. */
async function beat(devices: Device[], speed: number, signal: AbortSignal): Promise<never> {
  const intervalMs = Math.max(SHORTEST_HEARTBEAT_S, HEARTBEAT_S / speed) * 1000;
  const start = Date.now();
  for (let turn = 0; ; turn++) {
    for (const [index, device] of devices.entries()) {
      const due = start + intervalMs * (turn + index / devices.length);
      await sleep(Math.max(0, due - Date.now()), undefined, { signal });
      void device.heartbeat(turn === 0 ? "restart" : "update");
    }
  }
}

/** Lets one earthquake of the list happen after the other. */
async function shake(
  devices: Device[],
  options: SimulationOptions,
  association: Association,
  signal: AbortSignal,
): Promise<void> {
  const { quakes, stations, registrations, speed, key, print } = options;
  const byStation = new Map(devices.map((device) => [device.station, device]));
  const from = registrations.nextQuake ?? liveliest(quakes, stations, LIVELY_MS * speed);
  if (from === undefined) {
    print("No station is near any of the earthquakes; more --stations may be.");
    return;
  }
  print(key ? HEADING : "There is no --key to read with, so the earthquakes are not shown.");
  for (const occurrence of replay(quakes, { from, at: Date.now() + FIRST_QUAKE_MS, speed })) {
    await sleep(Math.max(0, occurrence.origin - Date.now()), undefined, { signal });
    registrations.nextQuake = occurrence.index + 1;
    const picks = picksOf(occurrence.quake, occurrence.origin, stations);
    if (picks.length === 0) continue;
    if (key) expectBack(occurrence, picks, byStation, association);
    for (const pick of picks) {
      sleep(Math.max(0, pick.time - Date.now()), undefined, { signal })
        .then(() => byStation.get(pick.station)?.pick(pick))
        .catch(unlessAborted(signal));
    }
  }
}

function expectBack(
  occurrence: Occurrence,
  picks: ReturnType<typeof picksOf>,
  byStation: ReadonlyMap<Station, Device>,
  association: Association,
): void {
  const byDevice = picks.map((pick) => [byStation.get(pick.station)?.id ?? "", pick] as const);
  association.expect(occurrence, new Map(byDevice));
}

function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
