import { setTimeout as sleep } from "node:timers/promises";
import { createMessage, heartbeatMessage, type Identity, pickMessage, registered } from "@fieldlog/simulator";
import { Ledger } from "../ledger/ledger.js";
import { digestOf, numbersOf } from "../ledger/said.js";
import type { Scene } from "./scene.js";
import { attemptOf, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** A heartbeat after so many picks. */
const HEARTBEAT_EVERY = 10;
const PLACE = { latitude: 34, longitude: -118 };
const RATE = { count: 1, windowS: 600 };

/** Seismic stations: signed picks, whose message ids rise, and a heartbeat now and then. */
export async function csn(scene: Scene, count: number): Promise<Sender> {
  const { namespace, chance, doors, paceMs } = scene;
  const ways = await doors.http.for("csn");
  const talks: Talk[] = [];
  for (let i = 1; i <= count; i++) {
    const station = new Station(await register(scene, i));
    const talk: Talk = new Talk(new Ledger(station.id, true), chance, paceMs, (n) => {
      const { pick, heartbeat } = station.messages(n, talk.aheadMs);
      const send = (path: string, body: Uint8Array) =>
        attemptOf(() => post(`${ways.any(chance)}/api/v1/${namespace}/${path}/${station.id}`, body));
      const attempt = async () => {
        if (heartbeat) {
          const outcome = await send("heartbeat", heartbeat);
          if (outcome !== "acknowledged") return outcome;
        }
        return send("event", pick);
      };
      return { digest: digestOf(numbersOf(n)), attempt };
    });
    talks.push(talk);
  }
  return senderOf("CSN", talks, { tables: ["events"], isEvents: true });
}

class Station {
  private messageId = 0;

  constructor(private readonly identity: Identity) {}

  get id(): string {
    return this.identity.clientId;
  }

  messages(n: number, aheadMs: number): { pick: Uint8Array; heartbeat: Uint8Array | undefined } {
    const sentAt = Date.now();
    const stamp = () => ({ sentAt, messageId: this.messageId++ });
    const none = { latestRequest: 0n, current: undefined };
    const heartbeat =
      n % HEARTBEAT_EVERY === 0 ? heartbeatMessage(this.identity, stamp(), "update", RATE, none) : undefined;
    const said = { time: sentAt - 1_000 + aheadMs, reading: [...numbersOf(n), 0], rate: RATE, ...PLACE };
    return { pick: pickMessage(this.identity, stamp(), said), heartbeat };
  }
}

async function register({ doors, namespace }: Scene, i: number): Promise<Identity> {
  const body = createMessage({ name: `station ${i}`, ...PLACE });
  for (;;) {
    try {
      const answer = await post(`${doors.http.direct}/api/v1/${namespace}/client/create`, body);
      const identity = registered(new Uint8Array(await answer.arrayBuffer()));
      if (identity) return identity;
    } catch {
      // It is asked again.
    }
    await sleep(250);
  }
}

function post(url: string, body: Uint8Array): Promise<Response> {
  return fetch(url, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { "content-type": "application/x-protobuf" },
    signal: AbortSignal.timeout(REQUEST_MS),
  });
}
