import { createHash } from "node:crypto";
import type { Finding } from "../checks/finding.js";
import { type Fetched, wholeness } from "../checks/whole.js";
import { Ledger } from "../ledger/ledger.js";
import { between } from "../schedule/chance.js";
import { ReadBack } from "./read-back.js";
import type { Scene } from "./scene.js";
import { attemptOf, type Outcome, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** Recordings are large and few. */
const SLOWER = 8;
const PAGE = 500;
const MOST_BYTES = 1_500_000;

/** Devices that offer recordings, are given a URL for each, and upload them; what is cut off is not tried again. */
export async function uploads(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, key, chance, doors, paceMs } = scene;
  const ways = await doors.http.for("uploads");
  /** Numbers of what each reading is to hold. */
  const readings = new Map<number, { sender: string; n: number }>();
  const talks: Talk[] = [];
  for (let i = 1; i <= Math.ceil(count / 2); i++) {
    const { id } = await api.ask("POST", `/v1/namespaces/${namespace}/devices`, { name: `recorder-${i}` });
    const device = String(id);
    const talk = new Talk(new Ledger(device, true), chance, paceMs * SLOWER, (n) => {
      const bytes = Buffer.alloc(Math.floor(between(chance, 1_000, MOST_BYTES)), `${device} ${n} `);
      const attempt = async (): Promise<Outcome> => {
        const way = ways.any(chance);
        const answer = await offered(`${way}/v1/namespaces/${namespace}/devices/${device}/offers`, key, n);
        if (answer === undefined) return "again";
        readings.set(answer.reading, { sender: device, n });
        const url = `${way}${new URL(answer.url).pathname}`;
        const body = bytes as Uint8Array<ArrayBuffer>;
        const signal = AbortSignal.timeout(REQUEST_MS);
        const outcome = await attemptOf(() => fetch(url, { method: "PUT", body, signal }));
        return outcome === "acknowledged" ? outcome : "given up";
      };
      return { digest: sha256(bytes), attempt };
    });
    talks.push(talk);
  }
  const ledgers = talks.map(({ ledger }) => ledger);
  const back = new ReadBack(async (number) => {
    return sha256(await api.bytes("GET", `/v1/namespaces/${namespace}/readings/${number}/data`));
  });
  const check = async (): Promise<Finding[]> => {
    return wholeness("readings", ledgers, await stored(scene, readings, back));
  };
  return senderOf("uploads", talks, { tables: [], isEvents: false, isLogged: false, devices: [], check });
}

/** The same offer again gets the same URL. */
async function offered(url: string, key: string, n: number) {
  const start = new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();
  const end = new Date(Date.UTC(2026, 0, 1) + n * 60_000 + 60_000).toISOString();
  const one = {
    sensor: "0",
    sensorType: "accelerometer-3-axis",
    start,
    end,
    format: "application/octet-stream",
    current: true,
  };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ offers: [one], id: `offer-${n}` }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const { answers } = (await response.json()) as { answers?: ({ url: string; reading: number } | null)[] };
    return answers?.[0] ?? undefined;
  } catch {
    return undefined;
  }
}

/** Readings that are stored, by what they were to hold. */
async function stored(
  { api, namespace }: Scene,
  readings: ReadonlyMap<number, { sender: string; n: number }>,
  back: ReadBack,
): Promise<Fetched[]> {
  const all: { number: number; state: string }[] = [];
  for (let before: unknown; before !== null; ) {
    const query = `limit=${PAGE}${before === undefined ? "" : `&before=${String(before)}`}`;
    const page = await api.ask("GET", `/v1/namespaces/${namespace}/readings?${query}`);
    all.push(...(page["readings"] as typeof all));
    before = page["next"] ?? null;
  }
  const kept = all.flatMap(({ number, state }) =>
    state === "stored" && readings.has(number) ? [number] : [],
  );
  const digests = await back.of(kept);
  return kept.flatMap((number) => {
    const of = readings.get(number);
    return of ? [{ ...of, digest: digests.get(number) }] : [];
  });
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
