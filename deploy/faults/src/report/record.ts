import { sentenceOf } from "../checks/finding.js";
import {
  byKind,
  type Circumstances,
  type Outcome,
  type SenderRow,
  type SubscriberRow,
  senderRows,
  subscriberRows,
} from "./outcome.js";

/** What of a run stays in the repository: its figures. */
export interface RunRecord extends Circumstances {
  readonly seed: number;
  readonly seconds: number;
  /** How often each kind was done. */
  readonly faults: Readonly<Record<string, number>>;
  readonly senders: readonly SenderRow[];
  readonly subscribers: readonly SubscriberRow[];
  readonly transitions: number;
  /** Most that the suite itself took, in MiB. */
  readonly suiteMiB: number;
  readonly findings: readonly string[];
}

export function recordOf(o: Outcome, suiteMiB: number): RunRecord {
  return {
    ...o.circumstances,
    ...{ seed: o.seed, seconds: Math.round(o.seconds), faults: Object.fromEntries(byKind(o.faults)) },
    ...{ senders: senderRows(o), subscribers: subscriberRows(o), transitions: o.transitions },
    ...{ suiteMiB: Math.round(suiteMiB), findings: o.findings.map(sentenceOf) },
  };
}

const HEAD = ["run", "faults", "in", "acknowledged", "sent again", "heard", "findings", "on"];

/** The records as a table in Markdown, the newest first. */
export function markdownOf(records: readonly RunRecord[]): string {
  const rows = records.toSorted((a, b) => b.date.localeCompare(a.date)).map(cellsOf);
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(HEAD), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function cellsOf(r: RunRecord): string[] {
  const sum = <T>(rows: readonly T[], of: (row: T) => number) => {
    return rows.reduce((all, row) => all + of(row), 0).toLocaleString("en");
  };
  return [
    `${r.date.slice(0, 10)}, ${r.commit}, seed ${r.seed}`,
    sum(Object.values(r.faults), (times) => times),
    `${Math.round(r.seconds / 60)} min`,
    sum(r.senders, ({ acknowledged }) => acknowledged),
    sum(r.senders, ({ sentAgain }) => sentAgain),
    sum(r.subscribers, ({ heard }) => heard),
    r.findings.length === 0 ? "none" : String(r.findings.length),
    `${r.machine.cores} cores, flush ${r.flush.p50Ms.toFixed(1)} ms, NATS ${r.versions.nats}`,
  ];
}
