import { WebSocket } from "ws";
import type { Finding } from "../checks/finding.js";
import { wholeness } from "../checks/whole.js";
import { Ledger } from "../ledger/ledger.js";
import type { Ways } from "../system/doors.js";
import type { Scene } from "./scene.js";
import { attemptOf, REQUEST_MS, type Sender, Talk } from "./sender.js";
import { senderOf } from "./talks.js";

/** A sampling takes a while, and only some may wait for a board. */
const SLOWER = 12;
const RETRY_MS = 300;
const PAGE = 500;
/** It begins, and then cannot: so the next one need not wait for an upload. */
const STEPS = [
  { sample: true },
  { sampleStarted: true },
  { sample: false, error: "there is nothing to sample" },
];
const OVER = new Set(["arrived", "refused", "failed", "timed-out", "cancelled"]);

/** Boards under Edge Impulse's remote management, and who asks them to sample by the native API. */
export async function boards(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, key, chance, doors, paceMs } = scene;
  const [http, ws] = [await doors.http.for("samplings"), await doors.ws.for("boards")];
  const made = await api.ask("POST", `/v1/namespaces/${namespace}/api-keys`, {
    ...{ kind: "edge-impulse", permission: "write", name: "faults remote boards" },
  });
  const all = Array.from({ length: Math.ceil(count / 2) }, (_, i) => {
    return new Board(`remote-${i + 1}`, String(made["key"]), ws);
  });
  const talks = all.map((board) => {
    return new Talk(new Ledger(board.id, false), chance, paceMs * SLOWER, (n) => {
      const label = `${board.id}.${n}`;
      const body = JSON.stringify({ label, sensor: "Accelerometer", lengthMs: 100, intervalMs: 10 });
      const request = () =>
        fetch(`${http.any(chance)}/v1/namespaces/${namespace}/devices/${board.id}/samples`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body,
          signal: AbortSignal.timeout(REQUEST_MS),
        });
      // Until the board was let in for the first time there is none; later many may wait for it.
      const attempt = async () => {
        const outcome = await attemptOf(request);
        return typeof outcome === "object" && /HTTP (404|409)/.test(outcome.refused) ? "again" : outcome;
      };
      return { digest: label, attempt };
    });
  });
  const ledgers = talks.map(({ ledger }) => ledger);
  for (const board of all) board.open();
  const check = async () => [
    ...(await asked(scene, ledgers)),
    ...all.flatMap((board, i) => (ledgers[i] ? board.askedTwice(ledgers[i]) : [])),
  ];
  const close = () => {
    for (const board of all) board.close();
  };
  const more = { tables: [], isEvents: false, isLogged: false, devices: [], check, close };
  return senderOf("remote boards", talks, more);
}

/** Whether each sampling that was taken is there, and over. */
async function asked({ api, namespace }: Scene, ledgers: readonly Ledger[]): Promise<Finding[]> {
  const all: { label: string; state: string }[] = [];
  for (let before: unknown; before !== null; ) {
    const query = `limit=${PAGE}${before === undefined ? "" : `&before=${String(before)}`}`;
    const page = await api.ask("GET", `/v1/namespaces/${namespace}/samplings?${query}`);
    all.push(...(page["samplings"] as typeof all));
    before = page["next"] ?? null;
  }
  const unfinished = all.filter(({ state }) => !OVER.has(state));
  // Nothing tells a request that was sent again from another one.
  const once = [...new Set(all.map(({ label }) => label))].map((label) => {
    const [sender = "", n = ""] = label.split(".");
    return { sender, n: Number(n), digest: label };
  });
  return [
    ...wholeness("samplings", ledgers, once),
    ...unfinished.map(({ label, state }) => ({
      ...{ what: "upload" as const, where: "samplings", who: label, detail: `is still ${state}` },
    })),
  ];
}

/** Says hello whenever it is connected, and does what it is asked. */
class Board {
  /** How often it was asked for each label. */
  private readonly told = new Map<string, number>();
  private socket: WebSocket | undefined;
  private closed = false;

  constructor(
    readonly id: string,
    private readonly key: string,
    private readonly ways: Ways,
  ) {}

  open(): void {
    if (this.closed) return;
    const socket = new WebSocket(this.ways.next(), { perMessageDeflate: false, handshakeTimeout: 5_000 });
    this.socket = socket;
    const say = (message: object) => socket.send(JSON.stringify(message));
    socket.on("open", () => {
      say({
        hello: {
          ...{ version: 3, apiKey: this.key, deviceId: this.id, deviceType: "FAULTS", connection: "ip" },
          sensors: [{ name: "Accelerometer", maxSampleLengthS: 600, frequencies: [62.5, 100] }],
          supportsSnapshotStreaming: false,
        },
      });
    });
    socket.on("message", (data) => {
      const { sample, err } = JSON.parse(String(data)) as { sample?: { label: string }; err?: string };
      if (err !== undefined) socket.terminate();
      if (sample === undefined) return;
      this.told.set(sample.label, (this.told.get(sample.label) ?? 0) + 1);
      for (const step of STEPS) say(step);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => setTimeout(() => this.open(), RETRY_MS));
  }

  close(): void {
    this.closed = true;
    this.socket?.terminate();
  }

  /** It is asked once for each request that was sent. */
  askedTwice({ entries }: Ledger): Finding[] {
    return [...this.told].flatMap(([label, times]) => {
      const sends = entries[Number(label.split(".")[1])]?.sends ?? 0;
      if (times <= sends) return [];
      const detail = `${label} was requested ${sends} times, and asked of it ${times} times`;
      return [{ what: "doubled" as const, where: "remote board", who: this.id, detail }];
    });
  }
}
