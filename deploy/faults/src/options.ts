import type { Fault } from "./schedule/fault.js";
import type { Sender } from "./senders/sender.js";

/** How a run is to be. */
export interface RunOptions {
  readonly seed: number;
  /** ms of faults. */
  readonly durationMs: number;
  /** ms between two faults' begins, on average. */
  readonly gapMs: number;
  /** Processes of each service. */
  readonly replicas: number;
  /** 1 or 3. */
  readonly natsServers: number;
  /** The program of those; absent: one is obtained. */
  readonly nats: string | undefined;
  /** Devices of each dialect. */
  readonly devices: number;
  /** ms between two messages of a device, on average. */
  readonly paceMs: number;
  /** Names of dialects; empty: all. */
  readonly dialects: readonly string[];
  /** Kinds of faults; empty: all. */
  readonly kinds: readonly string[];
  /** Holds the run's own folder. */
  readonly dir: string;
}

/** What one run needs to know besides its options. */
export interface RunContext {
  readonly folder: string;
  readonly progress: (message: string) => void;
  /** Ends the faults early; what was acknowledged until then is checked all the same. */
  readonly signal: AbortSignal;
  /** Told before the first message. */
  readonly onSenders: (senders: readonly Sender[]) => void;
  /** Told before the first fault. */
  readonly onSchedule: (faults: readonly Fault[]) => void;
}

/** What the command line says. */
export interface Arguments {
  readonly minutes: number;
  readonly hour: boolean;
  readonly seed: number;
  readonly replicas: number;
  readonly small: boolean;
  readonly gap?: number;
  readonly nats?: string;
  readonly dialect: readonly string[];
  readonly fault: readonly string[];
  readonly dir: string;
  readonly keep: boolean;
  readonly keepData: boolean;
}

/** s between two faults: in an hour these are more than 500. */
const GAP_S = 6.5;
/** In a few minutes, for more to happen. */
const SHORT_GAP_S = 4;

export function optionsOf(a: Arguments): RunOptions {
  const minutes = a.hour ? 60 : a.minutes;
  return {
    seed: a.seed,
    durationMs: minutes * 60_000,
    gapMs: (a.gap ?? (a.hour ? GAP_S : SHORT_GAP_S)) * 1_000,
    replicas: a.small ? 1 : a.replicas,
    natsServers: a.small ? 1 : 3,
    nats: a.nats,
    devices: a.small ? 2 : 6,
    paceMs: a.hour ? 500 : 250,
    ...{ dialects: a.dialect, kinds: a.fault, dir: a.dir },
  };
}
