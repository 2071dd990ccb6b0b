import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import type { Ways } from "../system/doors.js";
import type { Scene } from "./scene.js";
import { attemptOf, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** Devices that publish events by the native HTTP API, each event under an id of its own. */
export async function native(
  { api, namespace, key, chance, doors, paceMs }: Scene,
  count: number,
): Promise<Sender> {
  const ways = await doors.http.for("native");
  const talks: Talk[] = [];
  for (let i = 1; i <= count; i++) {
    const { id } = await api.ask("POST", `/v1/namespaces/${namespace}/devices`, { name: `native-${i}` });
    const device = String(id);
    const ledger = new Ledger(device, true);
    const talk: Talk = new Talk(ledger, chance, paceMs, (n) => {
      const data = textOf(device, n, "x".repeat(Math.floor(chance() * 500)));
      const time = new Date(Date.now() + talk.aheadMs).toISOString();
      const body = `{"name":"tick","id":"${n}","device":"${device}","time":"${time}","data":${data}}`;
      const attempt = () => post(ways, { namespace, key, body, chance });
      return { digest: digestOf(data), attempt: () => attemptOf(attempt) };
    });
    talks.push(talk);
  }
  return senderOf("native HTTP", talks, { tables: ["events"], isEvents: true });
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
