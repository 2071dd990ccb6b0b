import type { MessageInitShape } from "@bufbuild/protobuf";
import { limits, type registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import { type Content, contentOf, storedOf } from "./content.js";
import { UnknownSample } from "./refusals.js";

// Ids: a UUID that the edge made which stored the bytes. A sample's number is the sequence of its first decision.

// Events: SampleStored, SampleChanged, SampleRemoved. Their names and fields are the storage format of the permanent log.

// State

export interface Axis {
  readonly name: string;
  readonly units: string;
}

/** Files of which the content consists, in their order. */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
}

/** What is known of it, as it is now. The fields are those of `fieldlog.registry.v1.SampleStored`. */
export interface Sample {
  readonly device: string;
  readonly sampling: string;
  readonly category: string;
  readonly label: string;
  readonly fileName: string;
  readonly content: Content;
  readonly signature: string;
  readonly deviceType: string;
  readonly sensor: string;
  readonly intervalMs?: number;
  readonly lengthMs?: number;
  readonly values: number;
  readonly axes: readonly Axis[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly uploadSource: string;
  readonly annotationsJson: string;
  /** The device whose key encrypts it; empty: the namespace's does. */
  readonly key: string;
  readonly attachments: readonly Attachment[];
  readonly enabled: boolean;
}

/** Times: ms since 1970 UTC. */
export interface MadeSample {
  readonly phase: "stored" | "removed";
  readonly number: number;
  readonly sample: Sample;
  readonly storedAt: number;
  /** Who stored it: "key:<id>". */
  readonly storedBy: string;
  readonly changedAt: number;
}

export type SampleState = { readonly phase: "none" } | MadeSample;

export const sample: Decider<SampleState> = {
  kind: "sample",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence: number, decidedAt, decidedBy: storedBy }) => {
    if (state.phase === "none") {
      if (event.case !== "sampleStored") return state;
      const times = { storedAt: decidedAt, changedAt: decidedAt };
      return { phase: "stored", number, sample: sampleOf(event.value), storedBy, ...times };
    }
    switch (event.case) {
      case "sampleChanged":
        return { ...state, sample: changed(state.sample, event.value), changedAt: decidedAt };
      case "sampleRemoved":
        return { ...state, phase: "removed", changedAt: decidedAt };
      default:
        return state;
    }
  },
};

function sampleOf(event: registry.SampleStored): Sample {
  const { device, sampling, category, label, fileName, signature, deviceType, sensor } = event;
  const { intervalMs, lengthMs, uploadSource, annotationsJson, key, enabled } = event;
  return {
    ...{ device, sampling, category, label, fileName, signature, deviceType, sensor },
    ...{ uploadSource, annotationsJson, key, enabled, values: Number(event.values) },
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(lengthMs === undefined ? {} : { lengthMs }),
    content: contentOf(event.stored),
    axes: event.axes.map(({ name, units }) => ({ name, units })),
    metadata: { ...event.metadata },
    attachments: event.attachments.map(({ name, mediaType, bytes }) => {
      return { name, mediaType, bytes: Number(bytes) };
    }),
  };
}

/** The event that tells of a sample as it is. */
export function eventOf({
  content,
  ...sample
}: Sample): MessageInitShape<typeof registry.SampleStoredSchema> {
  return {
    ...sample,
    stored: storedOf(content),
    values: BigInt(sample.values),
    axes: sample.axes.map((axis) => ({ ...axis })),
    metadata: { ...sample.metadata },
    attachments: sample.attachments.map((file) => ({ ...file, bytes: BigInt(file.bytes) })),
  };
}

function changed(before: Sample, change: registry.SampleChanged): Sample {
  const { label, category, fileName, enabled, metadata, unsetMetadata } = change;
  const kept = Object.entries(before.metadata).filter(([key]) => !unsetMetadata.includes(key));
  return {
    ...before,
    ...(label === undefined ? {} : { label }),
    ...(category === undefined ? {} : { category }),
    ...(fileName === undefined ? {} : { fileName }),
    ...(enabled === undefined ? {} : { enabled }),
    metadata: { ...Object.fromEntries(kept), ...metadata },
  };
}

// Decisions

/** Of one that exists: nothing. */
export function store(event: MessageInitShape<typeof registry.SampleStoredSchema>) {
  return (state: SampleState): Outcome<undefined> =>
    state.phase === "none" ? recorded({ case: "sampleStored", value: event }) : nothing;
}

/** Refuses UnknownSample, InvalidField: more metadata than there may be. What is so already is not decided again. */
export function change(asked: registry.SampleChanged) {
  return (state: SampleState): Outcome<undefined> => {
    if (state.phase !== "stored") throw new UnknownSample();
    const after = changed(state.sample, asked);
    if (Object.keys(after.metadata).length > limits.sampleMetadata) {
      throw new InvalidField("metadata", `has at most ${limits.sampleMetadata} keys`);
    }
    if (isSame(state.sample, after)) return nothing;
    return recorded({ case: "sampleChanged", value: asked });
  };
}

function isSame(one: Sample, other: Sample): boolean {
  const parts = ({ label, category, fileName, enabled, metadata }: Sample) =>
    JSON.stringify([label, category, fileName, enabled, Object.entries(metadata).sort()]);
  return parts(one) === parts(other);
}

/** Asked twice, has no effect the second time. Refuses UnknownSample. */
export function remove(state: SampleState): Outcome<undefined> {
  if (state.phase === "none") throw new UnknownSample();
  return state.phase === "removed" ? nothing : recorded({ case: "sampleRemoved", value: {} });
}

const nothing: Outcome<undefined> = { events: [], result: undefined };

function recorded(event: Outcome<undefined>["events"][number]["event"]): Outcome<undefined> {
  return { events: [event === undefined ? {} : { event }], result: undefined };
}
