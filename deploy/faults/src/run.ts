import { randomBytes } from "node:crypto";
import { completeness, type Place } from "./checks/complete.js";
import type { Finding } from "./checks/finding.js";
import { livenessFindings } from "./checks/liveness.js";
import type { RunOptions } from "./options.js";
import type { Outcome } from "./report/report.js";
import { chanceFor } from "./schedule/chance.js";
import { type Fault, KINDS, type Targets } from "./schedule/fault.js";
import { Keeper } from "./schedule/keeper.js";
import { perform, targetsOf, type Victims } from "./schedule/perform.js";
import { scheduleOf } from "./schedule/schedule.js";
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
import { Quota } from "./system/quota.js";
import { type Stage, startStage } from "./system/stage.js";
import { type LogTruth, readLog } from "./truth/log.js";
import { readTables, type TableName, type Tables } from "./truth/tables.js";
import { untilDone } from "./until-done.js";

/** s of silence after which a device of it is inactive: short, so that faults make some silent. */
const INACTIVE_AFTER_S = 20;
const LIVENESS_SLACK_MS = 10_000;
/** ms within which every process must be well again, without help, and each sender be taken again. */
const WELL_MS = 180_000;
/** ms within which subscribers and tables must have all that was acknowledged. */
const CAUGHT_UP_MS = 180_000;

/** What one run needs to know besides its options. */
export interface RunContext {
  readonly folder: string;
  readonly progress: (message: string) => void;
  /** Ends the faults early; what was acknowledged until then is checked all the same. */
  readonly signal: AbortSignal;
  /** Told before the first fault. */
  readonly onSchedule: (faults: readonly Fault[]) => void;
}

/** One run: everything is started, hit, healed, and what was acknowledged is looked for. */
export async function run(o: RunOptions, context: RunContext): Promise<Outcome> {
  const { folder, progress } = context;
  const stage = await startStage({
    ...{ folder, replicas: o.replicas, natsServers: o.natsServers, progress },
    settings: { FIELDLOG_WEBHOOK_ALLOW: "127.0.0.1" },
  });
  try {
    return await onStage(stage, o, context);
  } finally {
    progress("stopping");
    await stage.stop();
  }
}

async function onStage(stage: Stage, o: RunOptions, context: RunContext): Promise<Outcome> {
  const { progress } = context;
  const begun = performance.now();
  const scene = await sceneOf(stage, o, context.folder);
  const names = o.dialects.length > 0 ? o.dialects : Object.keys(DIALECTS);
  const senders: Sender[] = [];
  for (const name of names) {
    progress(`registering the devices of ${name}`);
    const made = await DIALECTS[name]?.(scene, o.devices);
    if (made) senders.push(made);
  }
  const subscribers = await subscribersOf(scene, stage);
  try {
    for (const sender of senders) sender.start();
    await untilDone("every sender's first message is acknowledged", WELL_MS, () => waiting(senders, 1));
    const { faults, findings } = await hit(stage, senders, o, context);
    progress("stopping the senders");
    await Promise.all(senders.map((sender) => sender.stop()));
    const rest = await check(stage, {
      namespace: scene.namespace,
      stoppedAt: Date.now(),
      senders,
      subscribers,
      progress,
    });
    const seconds = (performance.now() - begun) / 1_000;
    const dialects = senders.map(({ dialect: name, ledgers, isLogged, tables }) => ({
      name,
      ledgers,
      isLogged,
      isTabled: tables.length > 0,
    }));
    return {
      ...{ seed: o.seed, faults, seconds, dialects, subscribers },
      ...{ inLog: rest.log.said, inTables: Object.values(rest.tables).flat() },
      transitions: new Set(rest.log.told.map(({ device, identity }) => `${device} ${identity}`)).size,
      findings: [...findings, ...rest.findings],
    };
  } finally {
    for (const sender of senders) sender.close?.();
    await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  }
}

async function sceneOf(stage: Stage, o: RunOptions, folder: string): Promise<Scene> {
  const api = new Api(stage.doors.http.direct, stage.adminKey);
  const { id } = await api.ask("POST", "/v1/namespaces", { name: "faults" });
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

async function subscribersOf(scene: Scene, stage: Stage): Promise<Subscriber[]> {
  return [
    await serverSentEvents(scene),
    await webSocket(scene),
    await polling(scene),
    await webhook(scene, stage.links),
    await mqttSession(scene),
  ];
}

/** The senders that have fewer acknowledgements than that. */
function waiting(senders: readonly Sender[], least: number): string | undefined {
  const late = senders.filter(({ ledgers }) => ledgers.some(({ acknowledged }) => acknowledged < least));
  return late.length === 0 ? undefined : late.map(({ dialect }) => dialect).join(", ");
}

/** The faults, and what must hold when they are over: all is well again by itself, and senders are taken again. */
async function hit(stage: Stage, senders: readonly Sender[], o: RunOptions, context: RunContext) {
  const keepers = new Map(Object.entries(stage.machines).map(([name, one]) => [name, new Keeper(one)]));
  const keeping = new AbortController();
  const kept = [...keepers.values()].map((keeper) => keeper.keep(keeping.signal));
  const victims: Victims = {
    ...{ keepers, links: stage.links, logs: ["SIGNALS", "REGISTRY"], quota: new Quota(stage.natsUrl) },
    repeatable: [...stage.links.keys()].filter((name) => /^(native|csn) to /.test(name)),
    clocks: new Map(senders.map((sender) => [sender.dialect, (ms) => sender.setClock(ms)])),
  };
  const all = targetsOf(victims);
  const wanted = KINDS.map((kind) => [kind, o.kinds.length === 0 || o.kinds.includes(kind) ? all[kind] : []]);
  const targets = Object.fromEntries(wanted) as unknown as Targets;
  const schedule = scheduleOf({ seed: o.seed, durationMs: o.durationMs, gapMs: o.gapMs, targets });
  context.onSchedule(schedule);
  const faults = await perform(schedule, victims, context);
  context.progress("all faults are over: everything has to get well by itself");
  const findings = await recovered(stage, senders, context);
  keeping.abort();
  await Promise.all(kept);
  for (const [who, { endings, failedStarts }] of keepers) {
    if (failedStarts > 0) context.progress(`${who} gave up ${failedStarts} times while it started`);
    if (endings > 0) {
      findings.push({ what: "unhealthy", where: "process", who, detail: `ended by itself ${endings} times` });
    }
  }
  return { faults, findings };
}

async function recovered(
  stage: Stage,
  senders: readonly Sender[],
  { progress }: RunContext,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const unhealthy = (who: string, detail: string): Finding => ({
    ...{ what: "unhealthy", where: "after the faults", who, detail },
  });
  const begun = performance.now();
  await Promise.all(
    Object.entries(stage.machines).map(async ([name, machine]) => {
      const late = await untilDone(`${name} is well`, WELL_MS, () => machine.illness()).catch(
        (error: Error) => error.message,
      );
      if (late !== undefined) findings.push(unhealthy(name, late));
    }),
  );
  progress(`all processes looked after for ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  await Promise.all(
    senders.flatMap(({ dialect, ledgers }) =>
      ledgers.map(async (ledger) => {
        const { acknowledged } = ledger;
        const late = await untilDone(`${dialect} is taken`, WELL_MS, () =>
          ledger.acknowledged > acknowledged ? undefined : "nothing acknowledged",
        ).catch((error: Error) => error.message);
        if (late !== undefined) findings.push(unhealthy(ledger.sender, late));
      }),
    ),
  );
  return findings;
}

interface Checked {
  readonly log: LogTruth;
  readonly tables: Tables;
  readonly findings: readonly Finding[];
}

async function check(
  stage: Stage,
  o: {
    namespace: string;
    /** When the senders fell silent: ms since 1970 UTC. */
    stoppedAt: number;
    senders: readonly Sender[];
    subscribers: readonly Subscriber[];
    progress: (message: string) => void;
  },
): Promise<Checked> {
  const { namespace, senders, subscribers, progress } = o;
  const ledgers = senders.flatMap((sender) => sender.ledgers);
  const of = (wanted: (sender: Sender) => boolean) =>
    new Set(senders.filter(wanted).flatMap((sender) => sender.ledgers.map((ledger) => ledger.sender)));
  const heardAt = ({ name, repeats, hears }: Subscriber): Place => ({
    ...{ name, repeats },
    senders: of(({ isEvents, tables }) => isEvents || (hears === "messages" && tables.length > 0)),
  });
  progress("waiting until subscribers and tables have everything");
  const lacking = (place: Place, found: () => Parameters<typeof completeness>[2]) => async () =>
    completeness(place, ledgers, found()).find(({ what }) => what === "lost")?.detail;
  for (const one of subscribers) {
    await untilDone(
      one.name,
      CAUGHT_UP_MS,
      lacking(heardAt(one), () => one.heard),
    ).catch(() => undefined);
  }
  let tables = await readTables(stage.postgresUrl, namespace);
  const tablePlaces = (Object.keys(tables) as TableName[]).map((table) => {
    const place = {
      name: table,
      repeats: "never" as const,
      senders: of((sender) => sender.tables.includes(table)),
    };
    return [table, place] as const;
  });
  await untilDone("the tables", CAUGHT_UP_MS, async () => {
    tables = await readTables(stage.postgresUrl, namespace);
    return tablePlaces.flatMap(([table, place]) => completeness(place, ledgers, tables[table]))[0]?.detail;
  }).catch(() => undefined);
  progress("waiting until the last silences are told");
  let log = await readLog(stage.natsUrl, namespace);
  const silent = () => livenessOf(log, senders);
  await untilDone("liveness", INACTIVE_AFTER_S * 1_000 + 3 * LIVENESS_SLACK_MS, async () => {
    if (Date.now() < o.stoppedAt + INACTIVE_AFTER_S * 1_000 + LIVENESS_SLACK_MS)
      return "nobody has been silent for long";
    log = await readLog(stage.natsUrl, namespace);
    return silent()[0]?.detail;
  }).catch(() => undefined);
  const inLog: Place = { name: "the log", repeats: "as sent", senders: of(({ isLogged }) => isLogged) };
  const kept = await Promise.all(senders.map((sender) => settled(sender)));
  return {
    ...{ log, tables },
    findings: [
      ...ledgers.flatMap(({ sender: who, wrong }) =>
        wrong.map((detail) => ({ what: "refused" as const, where: "a door", who, detail })),
      ),
      ...completeness(inLog, ledgers, log.said),
      ...tablePlaces.flatMap(([table, place]) => completeness(place, ledgers, tables[table])),
      ...subscribers.flatMap((one) => completeness(heardAt(one), ledgers, one.heard)),
      ...kept.flat(),
      ...silent(),
    ],
  };
}

/** What is found wrong where a dialect keeps things for itself, when that has had time to get there. */
async function settled({ dialect, check: look }: Sender): Promise<Finding[]> {
  let findings: Finding[] = [];
  await untilDone(dialect, CAUGHT_UP_MS, async () => {
    findings = (await look?.()) ?? [];
    return findings[0]?.detail;
  }).catch(() => undefined);
  return findings;
}

function livenessOf(log: LogTruth, senders: readonly Sender[]): Finding[] {
  const devicesOf = (wanted: (sender: Sender) => boolean) =>
    new Set(senders.filter(wanted).flatMap((sender) => sender.devices));
  const byHeartbeat = devicesOf(({ dialect }) => dialect === "CSN");
  const devices = devicesOf(({ dialect }) => dialect !== "CSN");
  const rule = {
    inactiveAfterMs: INACTIVE_AFTER_S * 1_000,
    slackMs: LIVENESS_SLACK_MS,
    byHeartbeat,
    devices,
  };
  return livenessFindings(log.signs, log.told, { ...rule, endedAt: log.endedAt });
}
