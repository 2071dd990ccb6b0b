import { setTimeout as sleep } from "node:timers/promises";
import { REGISTRY, SIGNALS, signalsSubject, token } from "@fieldlog/contracts";
import { digestOf, until } from "@fieldlog/testkit";
import type { Native } from "../native/native.fixture.js";

/** How far both logs are, and what the tables hold of a namespace. */
export interface Stand {
  readonly signals: number;
  readonly registry: number;
  readonly tables: Readonly<Record<string, string>>;
}

/** Milliseconds in which what follows from something else would be in a log: that a device is active, say. */
const REST_MS = 250;

/** Once nothing follows any more from what was done before, and the tables hold what the logs do. */
export async function standOf(native: Native, namespace: string): Promise<Stand> {
  let before = "";
  const [signals, registry] = await until("nothing is under way", async () => {
    const now = [await native.log.lastSequence(SIGNALS), await native.log.lastSequence(REGISTRY)] as const;
    const isAtRest = now.join() === before && (await behind(native)).length === 0;
    before = now.join();
    if (!isAtRest) await sleep(REST_MS);
    return isAtRest && now;
  });
  return { signals, registry, tables: await digestOf(native.postgresUrl, namespace) };
}

/** Read models that do not follow their log to its end, by name. */
async function behind({ system }: Native): Promise<string[]> {
  const headers = { authorization: `Bearer ${system.adminKey}` };
  const response = await fetch(`${system.url}/v1/read-models`, { headers });
  const { readModels } = (await response.json()) as { readModels: Model[] };
  return readModels
    .filter(({ state, sequence, logSequence }) => state !== "live" || sequence < logSequence)
    .map(({ name, state, reason }) => `${name} ${state} ${reason ?? ""}`);
}

interface Model {
  readonly name: string;
  readonly state: string;
  readonly sequence: number;
  readonly logSequence: number;
  readonly reason: string | null;
}

/** What of a namespace has changed since; nothing: undefined in either log, and no table. */
export async function changedSince(native: Native, namespace: string, stand: Stand) {
  const { log } = native;
  const now = await standOf(native, namespace);
  const names = Object.keys({ ...stand.tables, ...now.tables });
  const tables = names.filter((name) => now.tables[name] !== stand.tables[name]);
  return {
    signals: await log.timeAfter(SIGNALS, stand.signals, signalsSubject(namespace)),
    registry: await log.timeAfter(REGISTRY, stand.registry, `registry.${token(namespace)}.>`),
    tables,
  };
}
