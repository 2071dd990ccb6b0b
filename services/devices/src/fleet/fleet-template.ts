import type { registry } from "@fieldlog/contracts";
import type { Decider, Outcome, RegistryEvent } from "@fieldlog/decider";
import { UnknownFleetTemplate } from "./refusals.js";

// Ids: the template's name.

// Events: FleetTemplateSet, FleetTemplateStopped, FleetTemplateRemoved, FleetTemplateApplied. Their names and fields are
// the storage format of the permanent log.

// State

/** What a template wants, of whom. */
export interface Wanted {
  /** All of them, as they stand, and a JSON merge patch of the desired properties; both as JSON without spaces. */
  readonly tagsJson: string;
  readonly desiredJson: string;
  /** Conditions on what devices report, all of which hold, as JSON without spaces; absent: none. */
  readonly reportedJson?: string;
  /** Devices that may have failed when it stops; undefined: it never does by itself. */
  readonly stopAfterFailures: number | undefined;
  /** Seconds in which a device is to take it. */
  readonly takeWithinS: number;
}

export interface SetTemplate {
  readonly phase: "going" | "stopped" | "removed";
  /** From 1; none is used twice, removed in between or not. */
  readonly revision: number;
  readonly wanted: Wanted;
  /** ms since 1970 UTC. */
  readonly setAt: number;
  readonly setBy: string;
  readonly stoppedReason: string;
  /** Steps of devices that were ever noted: who decides on what he has read sees whether it is still so. */
  readonly noted: number;
}

export type FleetTemplateState = { readonly phase: "none" } | SetTemplate;

export const fleetTemplate: Decider<FleetTemplateState> = {
  kind: "fleet-template",
  initial: { phase: "none" },
  evolve: (state, { event }, { decidedAt: setAt, decidedBy: setBy }) => {
    if (event.case === "fleetTemplateSet") {
      const { revision, ...set } = event.value;
      const noted = state.phase === "none" ? 0 : state.noted;
      const wanted = wantedOf(set);
      return { phase: "going", revision, wanted, setAt, setBy, stoppedReason: "", noted };
    }
    if (state.phase === "none") return state;
    switch (event.case) {
      case "fleetTemplateStopped":
        return { ...state, phase: "stopped", stoppedReason: event.value.reason };
      case "fleetTemplateRemoved":
        return { ...state, phase: "removed" };
      case "fleetTemplateApplied":
        return { ...state, noted: state.noted + 1 };
      default:
        return state;
    }
  },
};

function wantedOf(set: Omit<registry.FleetTemplateSet, "revision" | "$typeName">): Wanted {
  const { tagsJson, desiredJson, reportedJson, stopAfterFailures, takeWithinS } = set;
  const conditions = reportedJson === "" ? {} : { reportedJson };
  return { tagsJson, desiredJson, ...conditions, stopAfterFailures, takeWithinS };
}

// Decisions

/** The result is its revision. The same again has no effect, unless it was stopped: then it begins anew. */
export function setTemplate(wanted: Wanted): (state: FleetTemplateState) => Outcome<number> {
  return (state) => {
    const before = state.phase === "none" ? 0 : state.revision;
    if (state.phase === "going" && isSame(state.wanted, wanted)) return { events: [], result: before };
    const { stopAfterFailures, ...set } = wanted;
    const value = {
      ...{ ...set, revision: before + 1 },
      ...(stopAfterFailures === undefined ? {} : { stopAfterFailures }),
    };
    return { events: [{ event: { case: "fleetTemplateSet", value } }], result: before + 1 };
  };
}

function isSame(one: Wanted, other: Wanted): boolean {
  return (
    one.tagsJson === other.tagsJson &&
    one.desiredJson === other.desiredJson &&
    one.reportedJson === other.reportedJson &&
    one.stopAfterFailures === other.stopAfterFailures &&
    one.takeWithinS === other.takeWithinS
  );
}

/** Of one that is stopped: nothing. Refuses UnknownFleetTemplate. */
export function stopTemplate(reason: string): (state: FleetTemplateState) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "none" || state.phase === "removed") throw new UnknownFleetTemplate();
    return { events: state.phase === "going" ? [stopped(reason)] : [], result: undefined };
  };
}

/** Of one that was removed: nothing. Refuses UnknownFleetTemplate: it never was. */
export function removeTemplate(state: FleetTemplateState): Outcome<undefined> {
  if (state.phase === "none") throw new UnknownFleetTemplate();
  const event = { event: { case: "fleetTemplateRemoved", value: {} } } as const;
  return { events: state.phase === "removed" ? [] : [event], result: undefined };
}

/** What became of it at a device. "gone": there is no such device any more. */
export type StepState = "applied" | "acknowledged" | "failed" | "gone";

export interface Step {
  readonly device: string;
  readonly state: StepState;
  /** Version of the desired properties that carries it; 0: it could not be wanted of the device. */
  readonly version: number;
  readonly error: string;
}

/** What steps were found from: who decides on something older decides nothing. */
export interface Seen {
  readonly revision: number;
  readonly noted: number;
}

/**
 * Notes steps of devices, and stops when as many have failed as may. The result is whether they were noted: not, when
 * somebody else noted some, or set it anew, since.
 *
 * @param failed devices that have failed with these steps
 */
export function noteSteps(
  steps: readonly Step[],
  seen: Seen,
  failed: number,
): (state: FleetTemplateState) => Outcome<boolean> {
  return (state) => {
    if (state.phase === "none" || state.phase === "removed") return { events: [], result: false };
    if (state.revision !== seen.revision || state.noted !== seen.noted) return { events: [], result: false };
    const events: RegistryEvent[] = steps.map(({ device, state: became, version, error }) => ({
      event: {
        case: "fleetTemplateApplied",
        value: {
          ...{ revision: seen.revision, device, state: became, error },
          desiredVersion: BigInt(version),
        },
      },
    }));
    const { stopAfterFailures: most } = state.wanted;
    if (state.phase === "going" && most !== undefined && failed >= most) {
      events.push(stopped(`failed at ${failed} devices, ${most} of which stop it`));
    }
    return { events, result: true };
  };
}

function stopped(reason: string): RegistryEvent {
  return { event: { case: "fleetTemplateStopped", value: { reason } } };
}
