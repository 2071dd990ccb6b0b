import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DeviceClient } from "@fieldlog/device-client";
import type { Finding } from "../checks/finding.js";
import { type Fetched, wholeness } from "../checks/whole.js";
import { Ledger } from "../ledger/ledger.js";
import { digestOf, textOf } from "../ledger/said.js";
import { between } from "../schedule/chance.js";
import { ReadBack } from "./read-back.js";
import type { Scene } from "./scene.js";
import type { Sender } from "./sender.js";
import { senderOf } from "./talks.js";

const GROUP = "faults";
const STREAM = "readings";
/** Messages of one batch. */
const BATCH = 50;
const PAGE = 500;
/** Of each device so many messages are read back; of the others their place in the list is enough. */
const READ_BACK = 500;
/** ms after which a device that is to stop gives up what the platform has not taken. */
const PATIENCE_MS = 120_000;

/** Devices that are provisioned and keep what they say in a file until the platform has it. */
export async function spotflow(scene: Scene, count: number): Promise<Sender> {
  const { api, namespace, doors, tls } = scene;
  await api.ask("PUT", `/v1/namespaces/${namespace}/stream-groups/${GROUP}/streams/${STREAM}`, {});
  const made = await api.ask("POST", `/workspaces/${namespace}/provisioning-tokens/create`, {});
  const [https, mqtts] = [await doors.https.balanced("devices"), await doors.mqtts.balanced("devices")];
  const talks: FileTalk[] = [];
  for (let i = 1; i <= Math.ceil(count / 2); i++) {
    const deviceId = `cellar-${i}`;
    const client = await DeviceClient.start({
      ...{
        deviceId,
        provisioningToken: String(made["provisioningToken"]),
        db: join(scene.folder, `${deviceId}.db`),
      },
      ...{ instance: `localhost:${https}`, mqttPort: mqtts, ca: tls.ca, keepAliveS: 5 },
      ...{ backOff: { firstMs: 100, mostMs: 2_000 }, approvalPollMs: 200 },
      displayProvisioningOperation: ({ verificationCode }) => {
        void api.ask("PUT", `/workspaces/${namespace}/provisioning-operations/approve`, { verificationCode });
      },
    });
    talks.push(new FileTalk(deviceId, client, scene));
  }
  const ledgers = talks.map(({ ledger }) => ledger);
  const back = new ReadBack(async (position) => {
    const path = `/v1/namespaces/${namespace}/streams/messages/${position}/data`;
    return digestOf((await api.bytes("GET", path)).toString());
  });
  const check = async (): Promise<Finding[]> => {
    return wholeness("streams", ledgers, await messagesOf(scene, back));
  };
  return senderOf("Spotflow", talks, { tables: [], isEvents: false, check });
}

/** Acknowledged is what is in the device's file: that is what it may believe to be kept. */
class FileTalk {
  aheadMs = 0;
  readonly ledger: Ledger;
  private stopping = false;
  private talking: Promise<void> = Promise.resolve();

  constructor(
    private readonly device: string,
    private readonly client: DeviceClient,
    private readonly scene: Scene,
  ) {
    this.ledger = new Ledger(device, true);
  }

  start(): void {
    this.talking = this.talk().catch(
      (error: Error) => void this.ledger.wrong.push(`it fell silent: ${error.message}`),
    );
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.talking;
    await Promise.race([
      this.client.waitEnqueuedMessagesSent(),
      sleep(PATIENCE_MS, undefined, { ref: false }),
    ]);
    for (const { reason } of this.client.refusedMessages()) this.ledger.wrong.push(reason);
    await this.client.close();
  }

  private async talk(): Promise<void> {
    const { chance, paceMs } = this.scene;
    const sender = this.client.createStreamSender({ streamGroup: GROUP, stream: STREAM });
    while (!this.stopping) {
      const n = this.ledger.next;
      const text = textOf(this.device, n, "x".repeat(Math.floor(chance() * 300)));
      this.ledger.sending(n, digestOf(text));
      const batchId = `batch-${Math.floor(n / BATCH)}`;
      await sender.enqueueMessage(Buffer.from(text), { batchId, messageId: String(n) });
      this.ledger.acknowledge(n);
      await sleep(between(chance, 0.5, 1.5) * paceMs);
    }
  }
}

interface Message {
  readonly position: number;
  readonly device: string;
  readonly id: string;
  readonly sha256: string | null;
}

/** What the platform stored, each by its number; not stored yet is as if it were not there. */
async function messagesOf({ api, namespace }: Scene, back: ReadBack): Promise<Fetched[]> {
  const all: Message[] = [];
  const base = `/v1/namespaces/${namespace}/streams/messages`;
  for (let after: unknown; after !== null; ) {
    const query = `limit=${PAGE}${after === undefined ? "" : `&after=${String(after)}`}`;
    const page = await api.ask("GET", `${base}?${query}`);
    all.push(...(page["messages"] as Message[]));
    after = page["next"] ?? null;
  }
  const stored = all.filter(({ sha256 }) => sha256 !== null);
  const first = [...Map.groupBy(stored, ({ device }) => device).values()].flatMap((own) =>
    own.slice(0, READ_BACK),
  );
  const digests = await back.of(first.map(({ position }) => position));
  return stored.map(({ position, device, id }) => {
    return { sender: device, n: Number(id), digest: digests.get(position) };
  });
}
