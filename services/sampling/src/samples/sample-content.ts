import type { Decider, Outcome } from "@fieldlog/decider";

// Ids: the hex SHA-256 of what is stored.

// Events: SampleContentReserved, SampleContentReleased. Their names and fields are the storage format of the permanent log.

// State

/** Which sample has that content, of those that say that no other may. */
export interface SampleContent {
  /** Its id; absent: none. */
  readonly sample?: string;
  /** ms since 1970 UTC. */
  readonly reservedAt?: number;
}

export const sampleContent: Decider<SampleContent> = {
  kind: "sample-content",
  initial: {},
  evolve: (state, { event }, { decidedAt: reservedAt }) => {
    switch (event.case) {
      case "sampleContentReserved":
        return { sample: event.value.sample, reservedAt };
      case "sampleContentReleased":
        return {};
      default:
        return state;
    }
  },
};

// Decisions

/**
 * Asked twice for the same sample, has no effect the second time. The result is the sample that has it.
 *
 * @param isGone whether the one that has it is none any more: it is taken from it then
 */
export function reserve(sample: string, isGone: (holder: SampleContent) => Promise<boolean>) {
  return async (state: SampleContent): Promise<Outcome<string>> => {
    if (state.sample === sample) return { events: [], result: sample };
    if (state.sample !== undefined && !(await isGone(state))) return { events: [], result: state.sample };
    const event = { case: "sampleContentReserved", value: { sample } } as const;
    return { events: [{ event }], result: sample };
  };
}

/** Of one that another sample has: nothing. */
export function release(sample: string) {
  return (state: SampleContent): Outcome<undefined> =>
    state.sample === sample
      ? { events: [{ event: { case: "sampleContentReleased", value: {} } }], result: undefined }
      : { events: [], result: undefined };
}
