import { randomBytes } from "node:crypto";
import { flushLatency } from "@fieldlog/bench";
import { hit } from "./hit.js";
import type { RunContext, RunOptions } from "./options.js";
import type { Outcome } from "./report/outcome.js";
import { chanceFor } from "./schedule/chance.js";
import type { Scene } from "./senders/scene.js";
import type { Sender } from "./senders/sender.js";
import { DIALECTS } from "./senders/senders.js";
import { mqttSession } from "./subscribers/mqtt-session.js";
import { polling } from "./subscribers/polling.js";
import { serverSentEvents } from "./subscribers/server-sent-events.js";
import type { Subscriber } from "./subscribers/subscriber.js";
import { webSocket } from "./subscribers/web-socket.js";
import { webhook } from "./subscribers/webhook.js";
import { Api } from "./system/api.js";
import { circumstancesOf } from "./system/circumstances.js";
import { type Stage, startStage } from "./system/stage.js";
import { untilDone } from "./until-done.js";
import { INACTIVE_AFTER_S, verify } from "./verify.js";

/** ms within which each device must have been taken for the first time. */
const BEGIN_MS = 300_000;
const STATUS_MS = 10_000;

/** One run: everything is started, hit, healed, and what was acknowledged is looked for. */
export async function run(o: RunOptions, context: RunContext): Promise<Outcome> {
  const { folder, progress } = context;
  const flush = await flushLatency(folder);
  const stage = await startStage({
    ...{ folder, replicas: o.replicas, natsServers: o.natsServers, nats: o.nats, progress },
    settings: { FIELDLOG_WEBHOOK_ALLOW: "127.0.0.1" },
  });
  try {
    const circumstances = await circumstancesOf(stage, o, flush);
    return { circumstances, ...(await onStage(stage, o, context)) };
  } finally {
    progress("stopping");
    await stage.stop();
  }
}

async function onStage(
  stage: Stage,
  o: RunOptions,
  context: RunContext,
): Promise<Omit<Outcome, "circumstances">> {
  const { progress } = context;
  const scene = await sceneOf(stage, o, context.folder);
  const senders = await sendersOf(scene, o, progress);
  const subscribers = await subscribersOf(scene, stage);
  context.onSenders(senders);
  const telling = setInterval(() => progress(statusOf(senders, subscribers)), STATUS_MS);
  const begun = performance.now();
  try {
    for (const sender of senders) sender.start();
    await untilDone("every device's first message is acknowledged", BEGIN_MS, () => silent(senders));
    const { faults, findings } = await hit(stage, senders, o, context);
    progress("stopping the senders");
    await Promise.all(senders.map((sender) => sender.stop()));
    clearInterval(telling);
    const { namespace, api } = scene;
    const verified = await verify(stage, { namespace, api, senders, subscribers, progress });
    const seconds = (performance.now() - begun) / 1_000;
    const dialects = senders.map(({ dialect: name, ledgers, isLogged, tables }) => {
      return { name, ledgers, isLogged, isTabled: tables.length > 0 };
    });
    return {
      ...{ seed: o.seed, faults, seconds, dialects, subscribers, ...verified },
      findings: [...findings, ...verified.findings],
    };
  } finally {
    clearInterval(telling);
    for (const sender of senders) sender.close?.();
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  }
}

async function sceneOf(stage: Stage, o: RunOptions, folder: string): Promise<Scene> {
  const api = new Api(stage.doors.http.direct, stage.adminKey);
  const { id } = await api.ask("POST", "/v1/namespaces", { name: "faults", openToCsn: true });
  const namespace = String(id);
  await api.ask("PATCH", `/v1/namespaces/${namespace}/settings`, {
    ...{ heartbeatS: INACTIVE_AFTER_S / 2, inactiveAfterS: INACTIVE_AFTER_S, offers: "all" },
  });
  const { key } = await api.ask("POST", `/v1/namespaces/${namespace}/api-keys`, {
    ...{ kind: "native", permission: "write", name: `faults-${randomBytes(3).toString("hex")}` },
  });
  const chance = chanceFor(o.seed, "senders");
  const { doors, ca } = stage;
  return { api, namespace, key: String(key), doors, tls: { ca }, chance, paceMs: o.paceMs, folder };
}

async function sendersOf(scene: Scene, o: RunOptions, progress: RunContext["progress"]): Promise<Sender[]> {
  const names = o.dialects.length > 0 ? o.dialects : Object.keys(DIALECTS);
  const senders: Sender[] = [];
  for (const name of names) {
    const make = DIALECTS[name];
    if (!make) throw new RangeError(`there is no dialect ${name}, only ${Object.keys(DIALECTS).join(", ")}`);
    progress(`registering the devices of ${name}`);
    senders.push(await make(scene, o.devices));
  }
  return senders;
}

async function subscribersOf(scene: Scene, stage: Stage): Promise<Subscriber[]> {
  return [
    await serverSentEvents(scene),
    await webSocket(scene),
    await polling(scene),
    await webhook(scene, stage.links),
    await mqttSession(scene),
  ];
}

/** The senders with a device of which nothing is acknowledged; undefined: there is none. */
function silent(senders: readonly Sender[]): string | undefined {
  const late = senders.filter(({ ledgers }) => ledgers.some(({ acknowledged }) => acknowledged === 0));
  return late.length === 0 ? undefined : late.map(({ dialect }) => dialect).join(", ");
}

function statusOf(senders: readonly Sender[], subscribers: readonly Subscriber[]): string {
  const acknowledged = senders
    .flatMap(({ ledgers }) => ledgers)
    .reduce((sum, ledger) => sum + ledger.acknowledged, 0);
  const heard = subscribers.map(({ name, heard: said }) => `${name} ${said.length}`).join(", ");
  const memory = `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`;
  return `     ${acknowledged} acknowledged; heard: ${heard}; ${memory}`;
}
