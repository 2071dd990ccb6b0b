import type { Finding } from "./checks/finding.js";
import type { RunContext, RunOptions } from "./options.js";
import { type Fault, KINDS, type Targets } from "./schedule/fault.js";
import { Keeper } from "./schedule/keeper.js";
import { perform, targetsOf, type Victims } from "./schedule/perform.js";
import { scheduleOf } from "./schedule/schedule.js";
import type { Sender } from "./senders/sender.js";
import { Quota } from "./system/quota.js";
import type { Stage } from "./system/stage.js";
import { untilDone } from "./until-done.js";

/** ms within which every process must be well again, without help, and each device be taken again. */
const WELL_MS = 180_000;
/** Links whose clients give each message an identity, so that it may come twice. */
const REPEATABLE = /^(native|csn) to /;

/** Does the faults, and looks for what must hold when they are over: all is well by itself, and devices are taken. */
export async function hit(
  stage: Stage,
  senders: readonly Sender[],
  o: RunOptions,
  context: RunContext,
): Promise<{ faults: readonly Fault[]; findings: Finding[] }> {
  const keepers = new Map(Object.entries(stage.machines).map(([name, one]) => [name, new Keeper(one)]));
  const keeping = new AbortController();
  const kept = [...keepers.values()].map((keeper) => keeper.keep(keeping.signal));
  try {
    const victims: Victims = {
      ...{
        keepers,
        links: stage.links,
        routes: stage.routes,
        logs: ["SIGNALS", "REGISTRY"],
        quota: new Quota(stage.natsUrl),
      },
      repeatable: [...stage.links.keys()].filter((name) => REPEATABLE.test(name)),
      clocks: new Map(senders.map((sender) => [sender.dialect, (ms) => sender.setClock(ms)])),
    };
    const targets = wanted(targetsOf(victims), o.kinds);
    const schedule = scheduleOf({ seed: o.seed, durationMs: o.durationMs, gapMs: o.gapMs, targets });
    context.onSchedule(schedule);
    const faults = await perform(schedule, victims, context);
    context.progress("all faults are over: everything has to get well by itself");
    const findings = await recovered(stage, senders, context);
    return { faults, findings: [...findings, ...endings(keepers, context)] };
  } finally {
    keeping.abort();
    await Promise.all(kept);
  }
}

function wanted(all: Targets, kinds: readonly string[]): Targets {
  const of = KINDS.map((kind) => [kind, kinds.length === 0 || kinds.includes(kind) ? all[kind] : []]);
  return Object.fromEntries(of) as unknown as Targets;
}

async function recovered(
  stage: Stage,
  senders: readonly Sender[],
  { progress }: RunContext,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const expect = async (who: string, what: string, missing: Parameters<typeof untilDone>[2]) => {
    const detail = await untilDone(what, WELL_MS, missing).catch((error: Error) => error.message);
    if (detail !== undefined) findings.push({ what: "unhealthy", where: "after the faults", who, detail });
  };
  const begun = performance.now();
  const seconds = () => ((performance.now() - begun) / 1_000).toFixed(1);
  await Promise.all(
    Object.entries(stage.machines).map(([name, one]) => expect(name, "it is well", () => one.illness())),
  );
  progress(
    `${findings.length === 0 ? "every process is well" : "not every process is well"} after ${seconds()} s`,
  );
  const ledgers = senders.flatMap((sender) => sender.ledgers);
  await Promise.all(
    ledgers.map((ledger) => {
      const before = ledger.acknowledged;
      const isTaken = () => (ledger.acknowledged > before ? undefined : "nothing is acknowledged");
      return expect(ledger.sender, "it is taken again", isTaken);
    }),
  );
  progress(`every device was heard again after ${seconds()} s`);
  return findings;
}

function endings(keepers: ReadonlyMap<string, Keeper>, { progress }: RunContext): Finding[] {
  return [...keepers].flatMap(([who, { endings: times, failedStarts }]) => {
    if (failedStarts > 0) progress(`${who} gave up ${failedStarts} times while it started`);
    const detail = `ended by itself ${times} times`;
    return times > 0 ? [{ what: "unhealthy" as const, where: "a process", who, detail }] : [];
  });
}
