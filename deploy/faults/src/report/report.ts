import Table from "cli-table3";
import { type Finding, sentenceOf } from "../checks/finding.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Said } from "../ledger/said.js";
import type { Fault } from "../schedule/fault.js";

/** What a run found. */
export interface Outcome {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly seconds: number;
  readonly dialects: readonly {
    readonly name: string;
    readonly ledgers: readonly Ledger[];
    /** Whether what it said is looked for there; else it is where only its dialect keeps it. */
    readonly isLogged: boolean;
    readonly isTabled: boolean;
  }[];
  readonly inLog: readonly Said[];
  readonly inTables: readonly Said[];
  readonly subscribers: readonly { readonly name: string; readonly heard: readonly Said[] }[];
  /** Transitions told, of all devices. */
  readonly transitions: number;
  readonly findings: readonly Finding[];
}

/** For people: what was acknowledged and found again, and what went wrong. */
export function reportOf(o: Outcome): string {
  return [`${senders(o)}`, `${subscribers(o)}`, ...verdict(o)].join("\n");
}

const PLAIN = { style: { head: [], border: [] } };

function senders({ dialects, inLog, inTables }: Outcome): Table.Table {
  const right = "right" as const;
  const table = new Table({
    ...PLAIN,
    head: ["sender", "devices", "sent", "acknowledged", "sent again", "in the log", "in the tables"],
    colAligns: ["left", right, right, right, right, right, right],
  });
  for (const { name, ledgers, isLogged, isTabled } of dialects) {
    const own = new Set(ledgers.map(({ sender }) => sender));
    const sum = (of: (ledger: Ledger) => number) => ledgers.reduce((all, ledger) => all + of(ledger), 0);
    const distinct = (said: readonly Said[]) =>
      new Set(said.flatMap(({ sender, n }) => (own.has(sender) ? [`${sender} ${n}`] : []))).size;
    table.push([
      ...[name, ledgers.length, sum(({ next }) => next), sum(({ acknowledged }) => acknowledged)],
      ...[sum(({ resent }) => resent), isLogged ? distinct(inLog) : "", isTabled ? distinct(inTables) : ""],
    ]);
  }
  return table;
}

function subscribers({ subscribers: all, transitions }: Outcome): Table.Table {
  const table = new Table({
    ...PLAIN,
    head: ["subscriber", "heard", "of that again"],
    colAligns: ["left", "right", "right"],
  });
  for (const { name, heard } of all) {
    const distinct = new Set(heard.map(({ sender, n }) => `${sender} ${n}`)).size;
    table.push([name, distinct, heard.length - distinct]);
  }
  table.push(["devices that became active or inactive", transitions, ""]);
  return table;
}

/** Findings that are shown; all are kept. */
const SHOWN = 40;

function verdict({ seed, faults, seconds, findings }: Outcome): string[] {
  const kinds = [...Map.groupBy(faults, ({ kind }) => kind)].map(([kind, same]) => `${same.length} ${kind}`);
  const run = `${faults.length} faults (${kinds.join(", ")}) in ${Math.round(seconds)} s, seed ${seed}`;
  if (findings.length === 0) return [`${run}: nothing lost, nothing doubled, everything well`];
  const shown = findings.slice(0, SHOWN).map((finding) => `  ${sentenceOf(finding)}`);
  const more = findings.length > SHOWN ? [`  and ${findings.length - SHOWN} more`] : [];
  return [`${run}: ${findings.length} findings`, ...shown, ...more];
}
