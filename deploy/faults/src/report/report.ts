import Table from "cli-table3";
import { sentenceOf } from "../checks/finding.js";
import { MEANINGS } from "../schedule/fault.js";
import { byKind, type Circumstances, type Outcome, senderRows, subscriberRows } from "./outcome.js";

const PLAIN = { style: { head: [], border: [] } };
const RIGHT = "right" as const;

/** For people: on what it ran, what was done, what was acknowledged and found again, and what went wrong. */
export function reportOf(o: Outcome): string {
  return [circumstances(o.circumstances), faults(o), senders(o), subscribers(o), ...verdict(o)].join("\n");
}

function circumstances({ machine: m, flush, versions, commit, ...o }: Circumstances): string {
  const system = `${m.cpu}, ${m.cores} cores, ${m.memoryGiB} GiB, ${m.system}, Node ${m.node}`;
  const servers = `${o.natsServers} nats-server ${versions.nats}, PostgreSQL ${versions.postgres}`;
  const disk = `flush of 4 KiB: p50 ${flush.p50Ms.toFixed(2)} ms, p99 ${flush.p99Ms.toFixed(2)} ms`;
  return `commit ${commit}, ${o.replicas} of each service, ${servers}\n${system}; ${disk}`;
}

function faults({ faults: all }: Outcome): Table.Table {
  const table = new Table({ ...PLAIN, head: ["fault", "times", ""], colAligns: ["left", RIGHT, "left"] });
  for (const [kind, times] of byKind(all)) table.push([kind, times, MEANINGS[kind]]);
  return table;
}

function senders(o: Outcome): Table.Table {
  const table = new Table({
    ...PLAIN,
    head: ["sender", "devices", "sent", "acknowledged", "sent again", "in the log", "in the tables"],
    colAligns: ["left", RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT],
  });
  for (const row of senderRows(o))
    table.push(Object.values(row).map((cell: string | number | null) => cell ?? ""));
  return table;
}

function subscribers(o: Outcome): Table.Table {
  const table = new Table({
    ...PLAIN,
    head: ["subscriber", "heard", "of that again"],
    colAligns: ["left", RIGHT, RIGHT],
  });
  for (const { subscriber, heard, again } of subscriberRows(o)) table.push([subscriber, heard, again]);
  table.push(["devices that became active or inactive", o.transitions, ""]);
  return table;
}

/** Findings that are shown; all are kept. */
const SHOWN = 40;

function verdict({ seed, faults: all, seconds, findings }: Outcome): string[] {
  const run = `${all.length} faults in ${Math.round(seconds)} s, seed ${seed}`;
  if (findings.length === 0) return [`${run}: nothing lost, nothing doubled, everything well`];
  const shown = findings.slice(0, SHOWN).map((finding) => `  ${sentenceOf(finding)}`);
  const more = findings.length > SHOWN ? [`  and ${findings.length - SHOWN} more`] : [];
  return [`${run}: ${findings.length} findings`, ...shown, ...more];
}
