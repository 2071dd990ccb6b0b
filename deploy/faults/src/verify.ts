import { setTimeout as sleep } from "node:timers/promises";
import { completeness, type Place } from "./checks/complete.js";
import { copyFindings } from "./checks/copies.js";
import type { Finding } from "./checks/finding.js";
import { livenessFindings } from "./checks/liveness.js";
import type { Ledger } from "./ledger/ledger.js";
import type { Said } from "./ledger/said.js";
import type { Sender } from "./senders/sender.js";
import type { Subscriber } from "./subscribers/subscriber.js";
import type { Api } from "./system/api.js";
import type { Stage } from "./system/stage.js";
import { readCopies } from "./truth/copies.js";
import { type LogTruth, readLog } from "./truth/log.js";
import { readTables, TABLE_NAMES, type TableName, type Tables } from "./truth/tables.js";
import { lastLook, untilDone } from "./until-done.js";

/** s of silence after which a device is inactive: short, so that faults make some silent. */
export const INACTIVE_AFTER_S = 20;
const LIVENESS_SLACK_MS = 10_000;
/** ms within which subscribers, tables and all that dialects keep must have what was acknowledged. */
const CAUGHT_UP_MS = 300_000;

interface Verifying {
  readonly namespace: string;
  readonly api: Api;
  /** Who have fallen silent. */
  readonly senders: readonly Sender[];
  readonly subscribers: readonly Subscriber[];
  readonly progress: (message: string) => void;
}

/** What was found where, and what is wrong with it. */
export interface Verified {
  readonly inLog: readonly Said[];
  readonly inTables: readonly Said[];
  /** Transitions of liveness that the log tells. */
  readonly transitions: number;
  readonly findings: readonly Finding[];
}

/** Looks for all that was acknowledged; what is late is waited for, what is wrong for good is found. */
export async function verify(stage: Stage, o: Verifying): Promise<Verified> {
  const { senders, subscribers, progress, api } = o;
  const stoppedAt = Date.now();
  const ledgers = senders.flatMap((sender) => sender.ledgers);
  progress("waiting until every subscriber has everything");
  await Promise.all(subscribers.map((one) => heard(one, o, ledgers)));
  progress("waiting until the tables have everything");
  const tables = await tabled(stage, o, ledgers);
  progress("waiting until the last silences are told, and all that was uploaded is there");
  const [log, kept] = await Promise.all([
    logged(stage, o, stoppedAt),
    Promise.all(senders.map((sender) => settled(sender, progress))),
  ]);
  return {
    ...{ inLog: log.said, inTables: Object.values(tables).flat() },
    transitions: new Set(log.told.map(({ device, identity }) => `${device} ${identity}`)).size,
    findings: [
      ...refusals(ledgers),
      ...completeness(inLog(o), ledgers, log.said),
      ...TABLE_NAMES.flatMap((table) => completeness(inTable(o, table), ledgers, tables[table])),
      ...subscribers.flatMap((one) => completeness(atSubscriber(o, one), ledgers, one.heard)),
      ...kept.flat(),
      ...livenessOf(log, senders),
      ...(await parked(api)),
      ...(await copied(stage, progress)),
    ],
  };
}

const namesOf = (senders: readonly Sender[], wanted: (sender: Sender) => boolean) =>
  new Set(senders.filter(wanted).flatMap(({ ledgers }) => ledgers.map(({ sender }) => sender)));

const inLog = ({ senders }: Verifying): Place => ({
  ...{ name: "the log", repeats: "as sent", senders: namesOf(senders, ({ isLogged }) => isLogged) },
});

const inTable = ({ senders }: Verifying, table: TableName): Place => ({
  ...{ name: table, repeats: "never", senders: namesOf(senders, ({ tables }) => tables.includes(table)) },
});

const atSubscriber = ({ senders }: Verifying, { name, repeats, hears }: Subscriber): Place => ({
  ...{ name, repeats },
  senders: namesOf(
    senders,
    ({ isEvents, tables }) => isEvents || (hears === "messages" && tables.length > 0),
  ),
});

async function heard(one: Subscriber, o: Verifying, ledgers: readonly Ledger[]): Promise<void> {
  const place = atSubscriber(o, one);
  await untilDone(one.name, CAUGHT_UP_MS, () => {
    return completeness(place, ledgers, one.heard).find(({ what }) => what === "lost")?.detail;
  }).catch((error: Error) => o.progress(error.message));
}

const tabled = (stage: Stage, o: Verifying, ledgers: readonly Ledger[]): Promise<Tables> =>
  lastLook("the tables", {
    ...{ ms: CAUGHT_UP_MS, late: o.progress },
    look: () => readTables(stage.postgresUrl, o.namespace),
    wrong: (tables) =>
      TABLE_NAMES.flatMap((table) => completeness(inTable(o, table), ledgers, tables[table]))[0]?.detail,
  });

/** The log, when all devices have been silent for so long that it must tell so. */
async function logged(
  stage: Stage,
  { namespace, senders, progress }: Verifying,
  stoppedAt: number,
): Promise<LogTruth> {
  const told = stoppedAt + INACTIVE_AFTER_S * 1_000 + LIVENESS_SLACK_MS;
  await sleep(Math.max(0, told - Date.now()));
  return lastLook("liveness", {
    ...{ ms: CAUGHT_UP_MS, late: progress },
    look: () => readLog(stage.natsUrl, namespace),
    wrong: (log) => livenessOf(log, senders)[0]?.detail,
  });
}

/** What is found wrong where a dialect keeps things for itself, when that has had time to get there. */
const settled = ({ dialect, check }: Sender, late: Verifying["progress"]): Promise<Finding[]> =>
  lastLook(dialect, {
    ...{ ms: CAUGHT_UP_MS, late },
    look: async () => (await check?.()) ?? [],
    wrong: ([first]) => first?.detail,
  }).catch((error: Error) => [
    { what: "unhealthy", where: "what it keeps", who: dialect, detail: error.message },
  ]);

/** Copies of a stream may be apart while one catches up. */
const copied = ({ nats }: Stage, late: Verifying["progress"]): Promise<Finding[]> =>
  lastLook("copies", {
    ...{ ms: CAUGHT_UP_MS, late },
    look: async () => copyFindings(await readCopies(nats)),
    wrong: ([first]) => first?.detail,
  });

function refusals(ledgers: readonly Ledger[]): Finding[] {
  return ledgers.flatMap(({ sender: who, wrong }) =>
    wrong.map((detail) => ({ what: "refused" as const, where: "a door", who, detail })),
  );
}

/** The one dialect of whose devices only heartbeats are signs of life. */
const BY_HEARTBEAT = "CSN";

function livenessOf(log: LogTruth, senders: readonly Sender[]): Finding[] {
  const devicesOf = (wanted: (sender: Sender) => boolean) =>
    new Set(senders.filter(wanted).flatMap((sender) => sender.devices));
  return livenessFindings(log.signs, log.told, {
    ...{ inactiveAfterMs: INACTIVE_AFTER_S * 1_000, slackMs: LIVENESS_SLACK_MS, endedAt: log.endedAt },
    byHeartbeat: devicesOf(({ dialect }) => dialect === BY_HEARTBEAT),
    devices: devicesOf(({ dialect }) => dialect !== BY_HEARTBEAT),
  });
}

/** Devices of which a read model could not apply something. */
async function parked(api: Api): Promise<Finding[]> {
  const { deadLetters } = await api.ask("GET", "/v1/dead-letters");
  const letters = deadLetters as readonly { readModel?: string; device?: string }[];
  return letters.map((letter) => ({
    ...{ what: "unhealthy", where: `read model ${letter.readModel}`, who: `${letter.device}` },
    detail: `parked: ${JSON.stringify(letter).slice(0, 300)}`,
  }));
}
