import { limits, type registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import { NotFound } from "../refusals.js";
import type { DefinedGroup, DefinedStream } from "../sorting/definitions.js";
import { faultOf } from "../sorting/pattern.js";

// Ids: a group by its name, a stream as `<group>/<stream>`.

const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N} ._-]*$/u;

/** Raises InvalidField. */
export function checkName(field: string, name: string): string {
  if (name.length > limits.streamNameLength || !NAME.test(name)) {
    throw new InvalidField(
      field,
      `is 1 to ${limits.streamNameLength} letters, digits, "-", "_", "." and spaces`,
    );
  }
  return name;
}

// Events: StreamGroupSet, StreamSet, StreamRemoved. Their names and fields are the storage format of the permanent log.

// State

export type StreamState =
  | { readonly phase: "none" }
  | { readonly phase: "removed" }
  | ({ readonly phase: "group" } & DefinedGroup)
  | ({ readonly phase: "stream" } & DefinedStream);

export const stream: Decider<StreamState> = {
  kind: "stream",
  initial: { phase: "none" },
  evolve: (state, { event }) => {
    switch (event.case) {
      case "streamGroupSet":
        return { phase: "group", ...groupOf(event.value) };
      case "streamSet":
        return { phase: "stream", ...streamOf(event.value) };
      case "streamRemoved":
        return { phase: "removed" };
      default:
        return state;
    }
  },
};

export function groupOf({ defaultStream, defaultGroup }: registry.StreamGroupSet): DefinedGroup {
  return { defaultStream, defaultGroup };
}

export function streamOf({ concatenation, batchPattern, messagePattern }: registry.StreamSet): DefinedStream {
  return { concatenation, batchPattern, messagePattern };
}

// Decisions

const CONCATENATIONS = ["none", "plain", "lines"];

/** Makes or changes a group. As it is: nothing. Refuses InvalidField. */
export function setGroup(asked: DefinedGroup): (state: StreamState) => Outcome<undefined> {
  if (asked.defaultStream !== "") checkName("set.default_stream", asked.defaultStream);
  return (state) => {
    const same =
      state.phase === "group" &&
      state.defaultStream === asked.defaultStream &&
      state.defaultGroup === asked.defaultGroup;
    const event = { event: { case: "streamGroupSet" as const, value: asked } };
    return { events: same ? [] : [event], result: undefined };
  };
}

/** Makes a group that is not there; of one that is, changes its default stream if one is given. */
export function ensureGroup(defaultStream: string): (state: StreamState) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "group") return setGroup({ defaultStream, defaultGroup: false })(state);
    return setGroup({ ...groupOf(state as never), defaultStream: defaultStream || state.defaultStream })(
      state,
    );
  };
}

/** Makes or changes a stream. As it is: nothing. Refuses InvalidField. */
export function setStream(asked: DefinedStream): (state: StreamState) => Outcome<undefined> {
  const { concatenation, batchPattern, messagePattern } = asked;
  if (!CONCATENATIONS.includes(concatenation)) {
    throw new InvalidField("set.concatenation", `is one of ${CONCATENATIONS.join(", ")}`);
  }
  checkPattern("set.batch_pattern", batchPattern);
  checkPattern("set.message_pattern", messagePattern);
  return (state) => {
    const same =
      state.phase === "stream" &&
      state.concatenation === concatenation &&
      state.batchPattern === batchPattern &&
      state.messagePattern === messagePattern;
    const event = { event: { case: "streamSet" as const, value: asked } };
    return { events: same ? [] : [event], result: undefined };
  };
}

/** Asked twice, decides once. Refuses NotFound. */
export function removeStream(state: StreamState): Outcome<undefined> {
  if (state.phase === "removed") return { events: [], result: undefined };
  if (state.phase !== "stream") throw new NotFound("stream");
  return { events: [{ event: { case: "streamRemoved", value: {} } }], result: undefined };
}

function checkPattern(field: string, pattern: string): void {
  const fault = pattern.length > limits.streamNameLength ? "is too long" : faultOf(pattern);
  if (fault !== undefined) throw new InvalidField(field, fault);
}
