import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import type { Ways } from "../system/doors.js";
import type { Scene } from "./scene.js";
import { attemptOf, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** After so many events a device that sleeps is silent, for longer than one may be without being called inactive. */
const SLEEP_EVERY = 20;
const SLEEP_MS = 35_000;

/** Devices that publish events by the native HTTP API, each event under an id of its own. */
export const native = (scene: Scene, count: number): Promise<Sender> =>
  publishers(scene, { dialect: "native HTTP", who: "native", count, restMs: () => 0 });

/** The same, but they sleep again and again. */
export const sleepers = (scene: Scene, count: number): Promise<Sender> =>
  publishers(scene, {
    ...{ dialect: "sleepers", who: "sleepers", count },
    restMs: (n) => ((n + 1) % SLEEP_EVERY === 0 ? SLEEP_MS : 0),
  });

async function publishers(
  { api, namespace, key, chance, doors, paceMs }: Scene,
  {
    dialect,
    who,
    count,
    restMs,
  }: { dialect: string; who: string; count: number; restMs: (n: number) => number },
): Promise<Sender> {
  const ways = await doors.http.for(who);
  const talks: Talk[] = [];
  for (let i = 1; i <= count; i++) {
    const { id } = await api.ask("POST", `/v1/namespaces/${namespace}/devices`, { name: `${who}-${i}` });
    const device = String(id);
    const ledger = new Ledger(device, true);
    const say = (n: number) => {
      const data = textOf(device, n, "x".repeat(Math.floor(chance() * 500)));
      const time = new Date(Date.now() + talk.aheadMs).toISOString();
      const body = `{"name":"tick","id":"${n}","device":"${device}","time":"${time}","data":${data}}`;
      const request = () => post(ways, { namespace, key, body, chance });
      return { digest: digestOf(data), attempt: () => attemptOf(request) };
    };
    const talk: Talk = new Talk(ledger, chance, paceMs, say, restMs);
    talks.push(talk);
  }
  return senderOf(dialect, talks, { tables: ["events"], isEvents: true });
}

function post(
  ways: Ways,
  { namespace, key, body, chance }: Pick<Scene, "namespace" | "key" | "chance"> & { body: string },
): Promise<Response> {
  return fetch(`${ways.any(chance)}/v1/namespaces/${namespace}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(REQUEST_MS),
  });
}
