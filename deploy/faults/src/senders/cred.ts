import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import { Api } from "../system/api.js";
import type { Scene } from "./scene.js";
import { attemptOf, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** Clients of cred, which log in and post events; nothing tells a resend of theirs from another event. */
export async function cred(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, chance, doors, paceMs } = scene;
  const ways = await doors.http.for("cred");
  const { key } = await api.ask("POST", `/v1/namespaces/${namespace}/api-keys`, {
    ...{ kind: "cred", permission: "write", name: "faults cred" },
  });
  const talks: Talk[] = [];
  for (let i = 1; i <= count; i++) {
    const sender = `cred-${i}`;
    const { sessionKey } = await new Api(api.url, "").ask("POST", "/auth", {
      ...{ apikey: key, device: sender, location: "Hall" },
    });
    const talk = new Talk(new Ledger(sender, false), chance, paceMs, (n) => {
      const value = textOf(sender, n);
      const body = JSON.stringify({ event: { name: "tick", location: "Hall", action: "said", value } });
      const request = () =>
        fetch(`${ways.any(chance)}/events`, {
          method: "POST",
          headers: { cookie: `sessionKey=${sessionKey}`, "content-type": "application/json" },
          body,
          signal: AbortSignal.timeout(REQUEST_MS),
        });
      return { digest: digestOf(value), attempt: () => attemptOf(request) };
    });
    talks.push(talk);
  }
  return senderOf("cred", talks, { tables: ["events"], isEvents: true, devices: [] });
}
