import { limits } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import { NotFound, ProvisioningEnded } from "./refusals.js";

// Ids: an operation is found by its id, a UUID, under its namespace; people find it by its verification code as well.

// Events: ProvisioningBegun, ProvisioningApproved, ProvisioningCancelled, ProvisioningCompleted. Their names and fields
// are the storage format of the permanent log.

// State

interface Begun {
  /** Id of the provisioning token that the device came with. */
  readonly provisioningToken: string;
  /** That the device asks for; empty: none. */
  readonly askedId: string;
  readonly code: string;
  /** Whence it came. */
  readonly address: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** ms since 1970 UTC. */
  readonly begunAt: number;
  /** REGISTRY sequence of its beginning. */
  readonly number: number;
  /** When it ends by itself: ms since 1970 UTC. Approved, it does so much later. */
  readonly expiresAt: number;
}

interface Approved extends Begun {
  readonly deviceId: string;
  /** Seconds; absent: registration tokens do not expire. */
  readonly registrationLifetimeS?: number;
}

export type ProvisioningOperation =
  | { readonly phase: "none" }
  | (Begun & { readonly phase: "pending" })
  | (Begun & { readonly phase: "cancelled"; readonly endedAt: number })
  | (Approved & { readonly phase: "approved" })
  | (Approved & { readonly phase: "completed"; readonly endedAt: number });
export type BegunOperation = Exclude<ProvisioningOperation, { phase: "none" }>;
export type ApprovedOperation = Extract<ProvisioningOperation, { deviceId: string }>;

export const provisioningOperation: Decider<ProvisioningOperation> = {
  kind: "provisioning-operation",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence, decidedAt }) => {
    if (event.case === "provisioningBegun") {
      const { provisioningToken, deviceId, verificationCode, expiresAt, address, attributes } = event.value;
      return {
        ...{ phase: "pending", provisioningToken, askedId: deviceId, code: verificationCode, address },
        ...{
          attributes: { ...attributes },
          begunAt: decidedAt,
          number: sequence,
          expiresAt: Number(expiresAt),
        },
      };
    }
    if (state.phase === "none") return state;
    switch (event.case) {
      case "provisioningApproved": {
        const { deviceId, registrationLifetimeS } = event.value;
        const lifetime = registrationLifetimeS === undefined ? {} : { registrationLifetimeS };
        // The device has as long again to come for its token.
        const expiresAt = decidedAt + (state.expiresAt - state.begunAt);
        return { ...state, phase: "approved", deviceId, ...lifetime, expiresAt };
      }
      case "provisioningCancelled":
        return { ...state, phase: "cancelled", endedAt: decidedAt };
      case "provisioningCompleted":
        return "deviceId" in state ? { ...state, phase: "completed", endedAt: decidedAt } : state;
      default:
        return state;
    }
  },
};

/** The id that it was approved with; empty: it was not. */
export function idOf(state: ProvisioningOperation): string {
  return "deviceId" in state ? state.deviceId : "";
}

export type ProvisioningState = "pending" | "approved" | "completed" | "cancelled" | "expired";

/** As people are told it, at that time (ms since 1970 UTC). */
export function stateAt(state: BegunOperation, now: number): ProvisioningState {
  const open = state.phase === "pending" || state.phase === "approved";
  return open && state.expiresAt <= now ? "expired" : state.phase;
}

// Decisions

export interface NewOperation {
  readonly provisioningToken: string;
  readonly deviceId: string;
  readonly verificationCode: string;
  readonly address: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Approval {
  readonly deviceId: string;
  readonly registrationLifetimeS?: number;
}

/** @param approval where the provisioning token says that nobody needs to approve it */
export function begin(asked: NewOperation, approval: Approval | undefined, now: number) {
  return (state: ProvisioningOperation): Outcome<undefined> => {
    if (state.phase !== "none") return { events: [], result: undefined };
    const value = {
      ...{ ...asked, attributes: { ...asked.attributes } },
      expiresAt: BigInt(now + limits.provisioningMs),
    };
    const begun = { event: { case: "provisioningBegun" as const, value } };
    return { events: approval ? [begun, approvedBy(approval)] : [begun], result: undefined };
  };
}

/** Of one that was approved with the same id: nothing. Refuses NotFound, ProvisioningEnded. */
export function approve(approval: Approval, now: number) {
  return (state: ProvisioningOperation): Outcome<undefined> => {
    if (state.phase === "none") throw new NotFound("provisioning operation");
    const is = stateAt(state, now);
    if ((is === "approved" || is === "completed") && idOf(state) === approval.deviceId) {
      return { events: [], result: undefined };
    }
    if (is !== "pending") throw new ProvisioningEnded(is);
    return { events: [approvedBy(approval)], result: undefined };
  };
}

/** Of one that was cancelled: nothing. Refuses NotFound, ProvisioningEnded (completed, expired). */
export function cancel(now: number) {
  return (state: ProvisioningOperation): Outcome<undefined> => {
    if (state.phase === "none") throw new NotFound("provisioning operation");
    const is = stateAt(state, now);
    if (is === "cancelled") return { events: [], result: undefined };
    if (is !== "pending" && is !== "approved") throw new ProvisioningEnded(is);
    return { events: [{ event: { case: "provisioningCancelled", value: {} } }], result: undefined };
  };
}

/**
 * The device has come: of one that is pending, nothing, and no result. It may come again until the operation would
 * have expired. Refuses NotFound, ProvisioningEnded (cancelled, expired).
 */
export function complete(now: number) {
  return (state: ProvisioningOperation): Outcome<ApprovedOperation | undefined> => {
    if (state.phase === "none") throw new NotFound("provisioning operation");
    if (state.phase === "cancelled") throw new ProvisioningEnded("cancelled");
    if (state.expiresAt <= now) throw new ProvisioningEnded("expired");
    if (state.phase === "pending") return { events: [], result: undefined };
    return { events: [{ event: { case: "provisioningCompleted", value: {} } }], result: state };
  };
}

function approvedBy(value: Approval) {
  return { event: { case: "provisioningApproved" as const, value: { ...value } } };
}
