import { createHash } from "node:crypto";
import type { Finding } from "../checks/finding.js";
import { type Fetched, wholeness } from "../checks/whole.js";
import { Ledger } from "../ledger/ledger.js";
import { between } from "../schedule/chance.js";
import { ReadBack } from "./read-back.js";
import type { Scene } from "./scene.js";
import { attemptOf, type Outcome, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** Files are large and few. */
const SLOWER = 8;
const PAGE = 500;

/** Boards' gateways that upload files of training data by Edge Impulse's ingestion. */
export async function trainingData(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, chance, doors, paceMs } = scene;
  const ways = await doors.http.for("ingestion");
  const { key } = await api.ask("POST", `/v1/namespaces/${namespace}/api-keys`, {
    ...{ kind: "edge-impulse", permission: "write", name: "faults boards" },
  });
  const talks = Array.from({ length: Math.ceil(count / 2) }, (_, i) => {
    const sender = `board${i + 1}`;
    return new Talk(new Ledger(sender, true), chance, paceMs * SLOWER, (n) => {
      const bytes = fileOf(sender, n, Math.floor(between(chance, 1_000, 200_000)));
      const attempt = async (): Promise<Outcome> => {
        const form = new FormData();
        form.append("data", new Blob([bytes as Uint8Array<ArrayBuffer>]), `${sender}.${n}.mp4`);
        return upload(`${ways.any(chance)}/api/training/files`, String(key), form);
      };
      return { digest: sha256(bytes), attempt };
    });
  });
  const ledgers = talks.map(({ ledger }) => ledger);
  const back = new ReadBack(async (number) => {
    return sha256(await api.bytes("GET", `/v1/namespaces/${namespace}/samples/${number}/data`));
  });
  const check = async (): Promise<Finding[]> => {
    return wholeness("training data", ledgers, await samplesOf(scene, back));
  };
  return senderOf("Edge Impulse", talks, {
    tables: [],
    isEvents: false,
    isLogged: false,
    devices: [],
    check,
  });
}

/** The same bytes again for the same number. */
function fileOf(sender: string, n: number, length: number): Uint8Array {
  const line = `${sender} ${n} `;
  return Buffer.alloc(length, line);
}

async function upload(url: string, key: string, form: FormData): Promise<Outcome> {
  let answer = "";
  const outcome = await attemptOf(
    () =>
      fetch(url, {
        method: "POST",
        // So that a resend is told from another file.
        headers: { "x-api-key": key, "x-disallow-duplicates": "true" },
        body: form,
        signal: AbortSignal.timeout(REQUEST_MS),
      }),
    (_, body) => {
      answer = body.toString();
      const { files = [] } = JSON.parse(answer) as { files?: { success: boolean; error?: string }[] };
      return files.every(({ success, error = "" }) => success || /already exists/.test(error));
    },
  );
  return outcome;
}

async function samplesOf({ api, namespace }: Scene, back: ReadBack): Promise<Fetched[]> {
  const all: { number: number; fileName: string }[] = [];
  for (let after: unknown; after !== null; ) {
    const query = `limit=${PAGE}${after === undefined ? "" : `&after=${String(after)}`}`;
    const page = await api.ask("GET", `/v1/namespaces/${namespace}/samples?${query}`);
    all.push(...(page["samples"] as typeof all));
    after = page["next"] ?? null;
  }
  const digests = await back.of(all.map(({ number }) => number));
  return all.map(({ number, fileName }) => {
    const [sender = "", n = ""] = fileName.split(".");
    return { sender, n: Number(n), digest: digests.get(number) };
  });
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
