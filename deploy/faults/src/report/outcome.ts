import type { FlushLatency, Machine } from "@fieldlog/bench";
import type { Finding } from "../checks/finding.js";
import type { Ledger } from "../ledger/ledger.js";
import type { Said } from "../ledger/said.js";
import type { Fault, Kind } from "../schedule/fault.js";

/** On what a run was done, and how. */
export interface Circumstances {
  /** When it began: ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Of the disk, measured before it began. */
  readonly flush: FlushLatency;
  readonly versions: { readonly nats: string; readonly postgres: string };
  readonly replicas: number;
  readonly natsServers: number;
}

/** What a run found. */
export interface Outcome {
  readonly circumstances: Circumstances;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** From the first message to the last look. */
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

export interface SenderRow {
  readonly sender: string;
  readonly devices: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly sentAgain: number;
  /** Null where it is not looked for there. */
  readonly inLog: number | null;
  readonly inTables: number | null;
}

export interface SubscriberRow {
  readonly subscriber: string;
  readonly heard: number;
  readonly again: number;
}

export function senderRows({ dialects, inLog, inTables }: Outcome): SenderRow[] {
  return dialects.map(({ name, ledgers, isLogged, isTabled }) => {
    const own = new Set(ledgers.map(({ sender }) => sender));
    const sum = (of: (ledger: Ledger) => number) => ledgers.reduce((all, ledger) => all + of(ledger), 0);
    const distinctOf = (said: readonly Said[]) => distinct(said.filter(({ sender }) => own.has(sender)));
    return {
      ...{ sender: name, devices: ledgers.length, sent: sum(({ next }) => next) },
      ...{ acknowledged: sum(({ acknowledged }) => acknowledged), sentAgain: sum(({ resent }) => resent) },
      inLog: isLogged ? distinctOf(inLog) : null,
      inTables: isTabled ? distinctOf(inTables) : null,
    };
  });
}

export function subscriberRows({ subscribers }: Outcome): SubscriberRow[] {
  return subscribers.map(({ name, heard }) => {
    const once = distinct(heard);
    return { subscriber: name, heard: once, again: heard.length - once };
  });
}

/** How many faults of each kind, the most frequent first. */
export function byKind(faults: readonly Fault[]): [Kind, number][] {
  return [...Map.groupBy(faults, ({ kind }) => kind)]
    .map(([kind, same]): [Kind, number] => [kind, same.length])
    .sort(([, a], [, b]) => b - a);
}

function distinct(said: readonly Said[]): number {
  const numbers = new Map<string, Set<number>>();
  for (const { sender, n } of said) {
    const own = numbers.get(sender) ?? new Set();
    numbers.set(sender, own.add(n));
  }
  return [...numbers.values()].reduce((sum, { size }) => sum + size, 0);
}
