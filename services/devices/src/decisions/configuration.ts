import { limits, type signals } from "@fieldlog/contracts";
import type { Decider, Outcome, RegistryEvent } from "@fieldlog/decider";
import { TooManyConfigurations } from "./refusals.js";

// Ids: all revisions of a device's configuration are one aggregate, found by the device's id.

export function configurationOf(namespace: string, device: string) {
  return { namespace, id: device };
}

// Events: ConfigurationCreated, ConfigurationPublished, ConfigurationAcknowledged. Their names and fields are
// the storage format of the permanent log.

// State: which revisions there are and what is still to be done. What they say is in the log alone.

export interface Configuration {
  /** Revisions that there are; also the number of the next one. */
  readonly revisions: number;
  /** Those that are not published, in their order. */
  readonly unpublished: readonly Unpublished[];
  /** Those that were acknowledged: bit `revision % 8` of byte `revision / 8`. */
  readonly acknowledged: Uint8Array;
}

export interface Unpublished {
  readonly revision: number;
  /** Of its creation, in REGISTRY. */
  readonly sequence: number;
}

export const configuration: Decider<Configuration> = {
  kind: "configuration",
  initial: { revisions: 0, unpublished: [], acknowledged: new Uint8Array() },
  evolve: (state, { event }, { sequence }) => {
    switch (event.case) {
      case "configurationCreated": {
        const { revision } = event.value;
        const unpublished = [...state.unpublished, { revision, sequence }];
        return { ...state, revisions: Math.max(state.revisions, revision + 1), unpublished };
      }
      case "configurationPublished": {
        const { revision } = event.value;
        return { ...state, unpublished: state.unpublished.filter((other) => other.revision !== revision) };
      }
      case "configurationAcknowledged":
        return { ...state, acknowledged: marked(state.acknowledged, event.value.revision) };
      default:
        return state;
    }
  },
};

function isMarked(marks: Uint8Array, revision: number): boolean {
  return ((marks[revision >> 3] ?? 0) & (1 << (revision & 7))) !== 0;
}

function marked(marks: Uint8Array, revision: number): Uint8Array {
  const byte = revision >> 3;
  const after = new Uint8Array(Math.max(marks.length, byte + 1));
  after.set(marks);
  after[byte] = (after[byte] ?? 0) | (1 << (revision & 7));
  return after;
}

/** The key under which a device is found that has revisions to be published. */
export const UNPUBLISHED = "unpublished";

export function configurationKeys({ unpublished }: Configuration): readonly string[] {
  return unpublished.length > 0 ? [UNPUBLISHED] : [];
}

// Decisions

/** The next revision, whatever it says. Refuses TooManyConfigurations. */
export function createConfiguration(valueJson: string) {
  return ({ revisions: revision }: Configuration): Outcome<number> => {
    if (revision >= limits.configurationsPerDevice) {
      throw new TooManyConfigurations(limits.configurationsPerDevice);
    }
    return {
      events: [{ event: { case: "configurationCreated", value: { revision, valueJson } } }],
      result: revision,
    };
  };
}

/** Of each revision the first time that it was published counts. */
export function publishConfigurations(revisions: readonly number[]) {
  return ({ unpublished }: Configuration): Outcome<undefined> => {
    const events = unpublished
      .filter(({ revision }) => revisions.includes(revision))
      .map(({ revision }) => ({ event: { case: "configurationPublished", value: { revision } } }) as const);
    return { events, result: undefined };
  };
}

/** Of each revision that there is the first answer counts, whether or not it is published; tenta A2. */
export function acknowledgeConfigurations(acknowledgments: readonly signals.Acknowledgment[]) {
  return ({ revisions, acknowledged }: Configuration): Outcome<undefined> => {
    const events: RegistryEvent[] = [];
    let marks = acknowledged;
    for (const { revision, success, occurredAt: acknowledgedAt } of acknowledgments) {
      if (revision >= revisions || isMarked(marks, revision)) continue;
      marks = marked(marks, revision);
      events.push({
        event: { case: "configurationAcknowledged", value: { revision, success, acknowledgedAt } },
      });
    }
    return { events, result: undefined };
  };
}
