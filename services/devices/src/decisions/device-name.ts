import type { Decider, Outcome } from "@fieldlog/decider";
import { NameTaken } from "./refusals.js";

/*
 * Two devices never have one name, though a device and its name are two aggregates, whoever stops in between
 * and for however long:
 *
 * - A name is reserved for a device, then the device gets it. The device's decision expects the sequence of a
 *   state that was read before the reservation was looked at once more.
 * - Whoever takes a reservation over fences the device that it was for (`fence` in device-decisions.ts): either that has
 *   the name by then, and keeps it, or it has moved on, so that the decision of whoever was about to give it
 *   the name fails. Only then is the reservation confirmed, and worth anything.
 * - A name is released by a device that has lost it, and only if its reservation is older than that loss:
 *   nobody gives a device a name on a reservation that is older than the device's newest name.
 */

// Ids: a name is one aggregate of its namespace.

/** Characters of the longest name that a device can have for its own: a subject of the log holds it. */
export const LONGEST_OWN_NAME = 256;

export function deviceNameOf(namespace: string, name: string) {
  return { namespace, id: name };
}

// Events: DeviceNameReserved, DeviceNameReleased. Their names and fields are the storage format of the
// permanent log. Both in one decision: the reservation is confirmed.

// State

export interface Reservation {
  readonly phase: "reserved";
  readonly device: string;
  /** Of its decision, in REGISTRY. */
  readonly sequence: number;
  /** ms since 1970 UTC. */
  readonly decidedAt: number;
  /** The device that it was taken over from, while it is not confirmed that this one is fenced. */
  readonly from?: string;
}

export type DeviceName = { readonly phase: "free" } | Reservation;

export const deviceName: Decider<DeviceName> = {
  kind: "device-name",
  initial: { phase: "free" },
  evolve: (state, { event }, at) => {
    switch (event.case) {
      case "deviceNameReserved": {
        const { device } = event.value;
        const { sequence, decidedAt } = at;
        const from = state.phase === "free" || state.device === device ? undefined : state.device;
        // Nobody gets a name on a reservation that is not confirmed, so of several the first is to be fenced.
        const unfenced = state.phase === "reserved" ? (state.from ?? from) : undefined;
        return {
          phase: "reserved",
          device,
          sequence,
          decidedAt,
          ...(unfenced && unfenced !== device ? { from: unfenced } : {}),
        };
      }
      case "deviceNameReleased":
        return { phase: "free" };
      default:
        return state;
    }
  },
};

// Decisions

/**
 * For a device, after `namedAt` (the sequence at which it got the name that it has; 0: it has none).
 *
 * @param abandoned a reservation that may be taken over from another device, as it stands
 */
export function reserve(name: string, device: string, namedAt: number, abandoned?: Reservation) {
  return (state: DeviceName): Outcome<undefined> => {
    if (isReservedFor(state, device) && state.sequence > namedAt) return { events: [], result: undefined };
    const free = state.phase === "free" || state.device === device || state.sequence === abandoned?.sequence;
    if (!free) throw new NameTaken(name);
    return { events: [reserved(device)], result: undefined };
  };
}

/** Confirms the device's reservation that was made at `sequence`: whoever it was taken from is fenced. */
export function confirm(name: string, device: string, sequence: number) {
  return (state: DeviceName): Outcome<undefined> => {
    if (!isReservedFor(state, device)) throw new NameTaken(name);
    if (state.from === undefined) return { events: [], result: undefined };
    if (state.sequence !== sequence) throw new NameTaken(name);
    return { events: [released, reserved(device)], result: undefined };
  };
}

/** Gives the reservation made at `sequence` back to the device that it was taken from. */
export function giveBack(sequence: number) {
  return (state: DeviceName): Outcome<undefined> => {
    const from = state.phase === "reserved" && state.sequence === sequence ? state.from : undefined;
    return { events: from ? [released, reserved(from)] : [], result: undefined };
  };
}

/** By a device that lost the name at the sequence `lostAt`; Infinity: it is removed. */
export function release(device: string, lostAt: number) {
  return (state: DeviceName): Outcome<undefined> => {
    const own = isReservedFor(state, device) && state.from === undefined && state.sequence < lostAt;
    return { events: own ? [released] : [], result: undefined };
  };
}

/** Whether the device may be given the name, as a device that got the one it has at `namedAt`. */
export function mayHave(state: DeviceName, device: string, namedAt: number): boolean {
  return isReservedFor(state, device) && state.from === undefined && state.sequence > namedAt;
}

function isReservedFor(state: DeviceName, device: string): state is Reservation {
  return state.phase === "reserved" && state.device === device;
}

const released = { event: { case: "deviceNameReleased", value: {} } } as const;

function reserved(device: string) {
  return { event: { case: "deviceNameReserved", value: { device } } } as const;
}
