import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import type { Outcome as Decided, RegistryEvent } from "@fieldlog/decider";
import {
  type Asked,
  BUSY,
  type DeviceSamplings,
  deadlineOf,
  deviceSamplings,
  RELEASED,
  type Sampling,
  STEPS,
  type Step,
} from "./device-samplings.js";
import { TooManySamplings, UnknownSampling } from "./refusals.js";

// Decisions. `now` is ms since 1970 UTC; `connection` is the device's, undefined: it has none, or nobody knows.

type Event = NonNullable<RegistryEvent["event"]>;
type Decision<Result = undefined> = (state: DeviceSamplings) => Decided<Result>;

/** Refuses TooManySamplings. One that need not wait is sent at once. */
export function request(id: string, asked: Asked, connection: string | undefined, now: number): Decision {
  return (state) => {
    const waiting = state.open.filter(({ phase }) => phase === "queued").length;
    if (waiting >= limits.samplingsQueued) throw new TooManySamplings(limits.samplingsQueued);
    const value = { ...asked, sampling: id, queuedUntil: BigInt(now + limits.samplingQueuedMs) };
    return withNext(state, [{ case: "samplingRequested", value }], connection, now);
  };
}

/** The device is there. What was sent to a connection before and has no answer is lost with that one. */
export function connected(connection: string, now: number): Decision {
  return (state) => {
    const lost = unanswered(state, (sentTo) => sentTo !== connection);
    return withNext(state, lost === undefined ? [] : [disconnection(lost)], connection, now);
  };
}

/** A connection has ended: what was sent to it and has no answer has failed; the rest is for the device to finish. */
export function disconnected(connection: string): Decision {
  return (state) => {
    const lost = unanswered(state, (sentTo) => sentTo === connection);
    return recorded(lost === undefined ? [] : [disconnection(lost)]);
  };
}

/** Its turn, if it is somebody's. */
export function next(connection: string, now: number): Decision {
  return (state) => withNext(state, [], connection, now);
}

/** What the device says of what it works on. The result is that one's id; empty: it works on none. */
export function report(
  step: Step,
  percent: number | undefined,
  connection: string,
  now: number,
): Decision<string> {
  return (state) => {
    const one = workedOn(state);
    if (one === undefined) return { events: [], result: "" };
    const events = one.endedAt === undefined ? stepOf(one, step, percent) : stepOfEnded(state, one, step);
    const { events: all } = withNext(state, events, events.length === 0 ? undefined : connection, now);
    return { events: all, result: one.id };
  };
}

/** The device says no. Once it has begun that is a failure. The result is as that of {@link report}. */
export function refuse(reason: string, connection: string, now: number): Decision<string> {
  return (state) => {
    const one = workedOn(state);
    if (one === undefined) return { events: [], result: "" };
    if (one.endedAt !== undefined) {
      const { events } = withNext(state, [progress(one.id, RELEASED)], connection, now);
      return { events, result: one.id };
    }
    const begun = one.steps.some(({ name }) => name !== "sent" && name !== "accepted");
    return { ...recorded([end(one.id, begun ? "failed" : "refused", reason)]), result: one.id };
  };
}

/** What it was for is stored. Of one that has ended: nothing. */
export function arrive(id: string, sample: { readonly id: string; readonly number: number }): Decision {
  return (state) => {
    if (!state.open.some((one) => one.id === id && one.phase !== "queued")) return recorded([]);
    const value = { sampling: id, sample: sample.id, sampleNumber: BigInt(sample.number) };
    return recorded([{ case: "samplingArrived", value }]);
  };
}

/** Of one that has ended: nothing. One that was sent cannot be recalled. Refuses UnknownSampling: there is none, or it ended long ago. */
export function cancel(id: string): Decision {
  return (state) => {
    if (state.ended.some((one) => one.id === id)) return recorded([]);
    if (!state.open.some((one) => one.id === id)) throw new UnknownSampling();
    return recorded([end(id, "cancelled", "")]);
  };
}

/** Ends those whose time is over. */
export function expire(now: number): Decision {
  return (state) => {
    const events = state.open
      .filter((one) => deadlineOf(one) <= now)
      .map((one) => end(one.id, "timed-out", lateness(one)));
    const { busy } = state;
    if (busy?.until !== undefined && busy.until <= now) events.push(progress(busy.sampling, RELEASED));
    return recorded(events);
  };
}

function lateness({ phase }: Sampling): string {
  if (phase === "queued") return "its turn did not come: the device was away, or busy";
  if (phase === "sent") return "the device did not answer";
  if (phase === "finished") return "the device has finished, and nothing was uploaded";
  return "the device said nothing more";
}

/** Adds what is sent next, if the device is free after the events. */
function withNext(
  state: DeviceSamplings,
  events: readonly Event[],
  connection: string | undefined,
  now: number,
): Decided<undefined> {
  if (connection === undefined) return recorded(events);
  const at = { sequence: 0, decidedAt: now, decidedBy: "" };
  const after = events.reduce(
    (before, event) => deviceSamplings.evolve(before, create(registry.RegistryEventSchema, { event }), at),
    state,
  );
  const first = after.open.find(({ phase, queuedUntil }) => phase === "queued" && queuedUntil > now);
  if (after.busy !== undefined || first === undefined) return recorded(events);
  const asked = { ...first.asked, sampling: first.id, queuedUntil: BigInt(first.queuedUntil) };
  return recorded([...events, { case: "samplingSent", value: { sampling: first.id, connection, asked } }]);
}

function workedOn({ open, ended, busy }: DeviceSamplings): Sampling | undefined {
  return [...open, ...ended].find(({ id }) => id === busy?.sampling);
}

function unanswered(state: DeviceSamplings, isLost: (connection?: string) => boolean): Sampling | undefined {
  const one = workedOn(state);
  return one?.phase === "sent" && isLost(one.connection) ? one : undefined;
}

/** What is told already: nothing; of "reading" only that it has come further is told again. */
function stepOf(one: Sampling, step: Step, percent: number | undefined): Event[] {
  const isKnown = one.steps.some(({ name }) => name === step);
  const isFurther = step === "reading" && percent !== undefined && percent > (one.percent ?? -1);
  return isKnown && !isFurther ? [] : [progress(one.id, step, percent)];
}

/** Of what ended before the device did: that it is free now, or goes on. */
function stepOfEnded({ busy }: DeviceSamplings, one: Sampling, step: Step): Event[] {
  if (step === "finished") return [progress(one.id, one.phase === "arrived" ? step : RELEASED)];
  const isNoted = (busy?.until ?? 0) > (one.endedAt ?? 0) + limits.samplingAnswerMs;
  return isNoted || one.phase !== "cancelled" ? [] : [progress(one.id, BUSY)];
}

function progress(sampling: string, step: string, percent?: number): Event {
  const value = { sampling, step, ...(percent === undefined ? {} : { percent }) };
  return { case: "samplingProgressed", value };
}

function end(sampling: string, outcome: string, reason: string): Event {
  return { case: "samplingEnded", value: { sampling, outcome, reason } };
}

function disconnection({ id }: Sampling): Event {
  return end(id, "failed", "the connection ended before the device answered");
}

function recorded(events: readonly Event[]): Decided<undefined> {
  return { events: events.map((event) => ({ event })), result: undefined };
}

/** Whether a device may say it of a sampling. */
export function isStep(text: string): text is Step {
  return (STEPS as readonly string[]).includes(text);
}
