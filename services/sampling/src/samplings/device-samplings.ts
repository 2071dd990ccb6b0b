import type { registry } from "@fieldlog/contracts";
import { limits } from "@fieldlog/contracts";
import type { Decider, DecisionPoint } from "@fieldlog/decider";

// Ids: the device's id. A sampling's number is the sequence of the decision that requests it.

// Events: SamplingRequested, SamplingSent, SamplingProgressed, SamplingArrived, SamplingEnded. Their names and fields,
// and the names of steps and outcomes, are the storage format of the permanent log.

// State; times in ms since 1970 UTC.

/** What a device is asked for. */
export interface Asked {
  /** Empty: the device has but one, or names none. */
  readonly sensor: string;
  readonly label: string;
  readonly lengthMs: number;
  readonly intervalMs: number;
  readonly category: string;
  /** Empty: not said. */
  readonly labelColor: string;
  readonly collectedSamples?: number;
  readonly targetSamples?: number;
}

/** What a device tells of one, in the order in which it usually does. */
export const STEPS = ["accepted", "started", "processing", "reading", "uploading", "finished"] as const;
export type Step = (typeof STEPS)[number];
export type Outcome = "arrived" | "refused" | "failed" | "timed-out" | "cancelled";
export type Phase = "queued" | "sent" | Step | Outcome;

/** Of one that has ended while its device was still at it: that it still is, that it is no more. */
export const BUSY = "busy";
export const RELEASED = "released";

export interface Sampling {
  readonly id: string;
  readonly number: number;
  readonly asked: Asked;
  readonly phase: Phase;
  readonly requestedAt: number;
  readonly queuedUntil: number;
  readonly changedAt: number;
  /** To which it was sent. */
  readonly connection?: string;
  /** Of "reading". */
  readonly percent?: number;
  /** Why it ended. */
  readonly reason?: string;
  /** What arrived. */
  readonly sample?: string;
  readonly sampleNumber?: number;
  readonly endedAt?: number;
  /** The first of each name, in the order in which they were taken. */
  readonly steps: readonly { readonly name: string; readonly at: number }[];
}

/** All that one device was asked for, as far as decisions need it. */
export interface DeviceSamplings {
  /** Those that have not ended, in the order of their requests. */
  readonly open: readonly Sampling[];
  /** The one that the device works on, which may have ended. It gets no other until then. */
  readonly busy?: {
    readonly sampling: string;
    /** Of one that has ended: when the device is believed to be free. */
    readonly until?: number;
  };
  /** Ended ones, the newest last. */
  readonly ended: readonly Sampling[];
}

/** Ended ones that are remembered, for what the device still says of them. */
const REMEMBERED = 8;
/** Milliseconds that a device which has said no may take to say that it has finished: some say both. */
const SAID_NO_MS = 1_000;

export const deviceSamplings: Decider<DeviceSamplings> = {
  kind: "sampling",
  initial: { open: [], ended: [] },
  evolve: (state, { event }, at) => {
    switch (event.case) {
      case "samplingRequested":
        return { ...state, open: [...state.open, requested(event.value, at)] };
      case "samplingSent":
        return sent(state, event.value, at);
      case "samplingProgressed":
        return progressed(state, event.value, at);
      case "samplingArrived": {
        const { sampling, sample, sampleNumber } = event.value;
        const more = { sample, sampleNumber: Number(sampleNumber) };
        return ended(state, sampling, "arrived", more, at);
      }
      case "samplingEnded": {
        const { sampling, outcome, reason } = event.value;
        return ended(state, sampling, outcome as Outcome, { reason }, at);
      }
      default:
        return state;
    }
  },
};

function requested(event: registry.SamplingRequested, { sequence, decidedAt }: DecisionPoint): Sampling {
  return {
    ...{ id: event.sampling, number: sequence, asked: askedOf(event), phase: "queued" },
    ...{ requestedAt: decidedAt, changedAt: decidedAt, queuedUntil: Number(event.queuedUntil), steps: [] },
  };
}

export function askedOf(event: registry.SamplingRequested): Asked {
  const { sensor, label, lengthMs, intervalMs, category, labelColor, collectedSamples, targetSamples } =
    event;
  return {
    ...{ sensor, label, lengthMs, intervalMs, category, labelColor },
    ...(collectedSamples === undefined ? {} : { collectedSamples }),
    ...(targetSamples === undefined ? {} : { targetSamples }),
  };
}

function sent(
  state: DeviceSamplings,
  { sampling, connection }: registry.SamplingSent,
  at: DecisionPoint,
): DeviceSamplings {
  const changed = change(state, sampling, (one) =>
    stepped({ ...one, connection, phase: "sent" }, "sent", at),
  );
  return { ...changed, busy: { sampling } };
}

function progressed(
  state: DeviceSamplings,
  { sampling, step, percent }: registry.SamplingProgressed,
  at: DecisionPoint,
): DeviceSamplings {
  if (step === BUSY) return freed(state, at.decidedAt + workingMs(state, sampling));
  const { busy: _, ...free } = state;
  if (step === RELEASED) return free;
  const changed = change(step === "finished" ? free : state, sampling, (one) => {
    const phase = one.endedAt === undefined ? later(one.phase, step as Step) : one.phase;
    return stepped({ ...one, phase, ...(percent === undefined ? {} : { percent }) }, step, at);
  });
  return changed;
}

/** Of two states the later one: what a device tells late takes nothing back. */
function later(phase: Phase, step: Step): Phase {
  return STEPS.indexOf(step) > STEPS.indexOf(phase as Step) ? step : phase;
}

function ended(
  state: DeviceSamplings,
  id: string,
  outcome: Outcome,
  more: Partial<Sampling>,
  at: DecisionPoint,
): DeviceSamplings {
  const one = state.open.find((open) => open.id === id);
  if (one === undefined) return state;
  const done = stepped({ ...one, ...more, phase: outcome, endedAt: at.decidedAt }, outcome, at);
  const until = state.busy?.sampling === id ? busyUntil(one, outcome, at.decidedAt) : state.busy?.until;
  const open = state.open.filter((other) => other.id !== id);
  const busy = state.busy?.sampling;
  const remembered = [...state.ended, done].filter(
    (other, index, all) => all.length - index <= REMEMBERED || other.id === busy,
  );
  return freed({ ...state, open, ended: remembered }, until);
}

/** Until when a device that worked on it is not asked for another one; undefined: it is free. */
function busyUntil(one: Sampling, outcome: Outcome, now: number): number | undefined {
  switch (outcome) {
    // Most say so only once they have an answer to their upload; what they say must not be taken for the next one's.
    case "arrived":
      return now + limits.samplingAnswerMs;
    case "refused":
      return now + SAID_NO_MS;
    case "failed":
      return one.phase === "sent" ? undefined : now + SAID_NO_MS;
    case "cancelled":
      return deadlineOf(one);
    case "timed-out":
      return undefined;
  }
}

/** With the device busy until then on what it works on; undefined: it is free, or works on one that has not ended. */
function freed(state: DeviceSamplings, until: number | undefined): DeviceSamplings {
  const { busy, ...free } = state;
  if (busy === undefined) return state;
  if (until !== undefined) return { ...state, busy: { ...busy, until } };
  return state.open.some(({ id }) => id === busy.sampling) ? state : free;
}

function change(state: DeviceSamplings, id: string, to: (one: Sampling) => Sampling): DeviceSamplings {
  const each = (one: Sampling) => (one.id === id ? to(one) : one);
  return { ...state, open: state.open.map(each), ended: state.ended.map(each) };
}

function stepped(one: Sampling, name: string, { decidedAt: at }: DecisionPoint): Sampling {
  const known = one.steps.some((step) => step.name === name);
  return { ...one, changedAt: at, steps: known ? one.steps : [...one.steps, { name, at }] };
}

// Time

/** When one that has not ended does so by itself. */
export function deadlineOf({ phase, queuedUntil, changedAt, asked }: Sampling): number {
  switch (phase) {
    case "queued":
      return queuedUntil;
    case "sent":
      return changedAt + limits.samplingAnswerMs;
    case "finished":
      return changedAt + limits.samplingUploadMs;
    default:
      return changedAt + signMs(asked);
  }
}

/** Milliseconds that a device may be silent in the midst of it. */
function signMs({ lengthMs }: Asked): number {
  return limits.samplingSignMs + lengthMs * limits.samplingLengthTimes;
}

function workingMs({ ended, open }: DeviceSamplings, id: string): number {
  const one = [...ended, ...open].find((other) => other.id === id);
  return one === undefined ? limits.samplingSignMs : signMs(one.asked);
}

/** When something is next to be decided because of the time; undefined: never. */
export function nextDeadline({ open, busy }: DeviceSamplings): number | undefined {
  const all = open.map(deadlineOf);
  if (busy?.until !== undefined) all.push(busy.until);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Whether one waits and the device is not known to be at another one. */
export function isWaiting({ open, busy }: DeviceSamplings): boolean {
  return busy === undefined && open.some(({ phase }) => phase === "queued");
}
