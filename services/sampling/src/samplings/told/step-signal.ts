import type { registry } from "@fieldlog/contracts";
import { eventSignal } from "@fieldlog/telling";

export const ISSUER = "sampling";

/** What every event of a sampling says of it. */
export interface Facts {
  readonly label: string;
  readonly sensor: string;
  readonly category: string;
}

/** What is told of one event of a decision. */
export interface Told {
  readonly sampling: string;
  /** libs/events lets nobody publish others of these names. */
  readonly name: string;
  readonly more: {
    readonly percent?: number;
    readonly error?: string;
    readonly sample?: number;
    readonly sampleId?: string;
  };
}

const STEP_NAMES: Readonly<Record<string, string>> = {
  ...{ accepted: "SamplingAccepted", started: "SamplingStarted", processing: "SamplingProcessing" },
  ...{ reading: "SamplingReading", uploading: "SamplingUploading", finished: "SamplingFinished" },
};
const OUTCOME_NAMES: Readonly<Record<string, string>> = {
  ...{ refused: "SamplingRefused", failed: "SamplingFailed", "timed-out": "SamplingTimedOut" },
  cancelled: "SamplingCancelled",
};

/**
 * What is told of each event of a decision, by its index there. That one is queued is told if it has to wait: one that is
 * sent by the same decision does not.
 */
export function toldOf({ events }: registry.Decision): Map<number, Told> {
  const sent = new Set(
    events.map(({ event }) => (event.case === "samplingSent" ? event.value.sampling : "")),
  );
  const told = new Map<number, Told>();
  for (const [index, { event }] of events.entries()) {
    if (event.case === "samplingRequested" && sent.has(event.value.sampling)) continue;
    const one = toldOfEvent(event);
    if (one !== undefined) told.set(index, one);
  }
  return told;
}

function toldOfEvent(event: registry.RegistryEvent["event"]): Told | undefined {
  switch (event.case) {
    case "samplingRequested":
      return { sampling: event.value.sampling, name: "SamplingQueued", more: {} };
    case "samplingSent":
      return { sampling: event.value.sampling, name: "SamplingSent", more: {} };
    case "samplingProgressed": {
      const { sampling, step, percent } = event.value;
      const name = STEP_NAMES[step];
      if (name === undefined) return undefined;
      return { sampling, name, more: percent === undefined ? {} : { percent } };
    }
    case "samplingArrived": {
      const { sampling, sample, sampleNumber } = event.value;
      return { sampling, name: "SamplingArrived", more: { sample: Number(sampleNumber), sampleId: sample } };
    }
    case "samplingEnded": {
      const { sampling, outcome, reason } = event.value;
      const name = OUTCOME_NAMES[outcome];
      return name === undefined
        ? undefined
        : { sampling, name, more: reason === "" ? {} : { error: reason } };
    }
    default:
      return undefined;
  }
}

/** An encoded Signal. The same event of the same decision has the same identity, whoever tells it. Times: ms since 1970 UTC. */
export function stepSignal(
  device: string,
  { sampling, name, more }: Told,
  { label, sensor, category }: Facts,
  at: { readonly sequence: number; readonly index: number; readonly decidedAt: number; readonly now: number },
): Uint8Array {
  const said = { sampling, label, ...(sensor === "" ? {} : { sensor }), category, ...more };
  return eventSignal({
    ...{ device, name, issuer: ISSUER, identity: `sampling/${at.sequence}/${at.index}` },
    ...{ data: said, occurredAt: at.decidedAt, now: at.now },
  });
}
