import { isObject, type JsonObject } from "../properties/json.js";
import type { Properties } from "../properties/properties.js";
import type { Step, StepState } from "./fleet-template.js";

/** What is noted of a device that a template was brought to. */
export interface Brought {
  readonly state: StepState;
  /** Version of the desired properties that carries it; 0: it could not be wanted of the device. */
  readonly version: number;
  /** ms since 1970 UTC until which it may take it, as long as it is "applied". */
  readonly dueAt: number | undefined;
  /** Of one that has failed. */
  readonly error: string;
}

/**
 * Reported property in which a device says that it could not take what is wanted of it: an object of the `version` of
 * the desired properties that it could not, or a later one, and, if it likes, an `error`.
 */
const FAILED_PROPERTY = "desiredError";

/** Characters of a device's error that are noted. */
const ERROR_LENGTH = 500;
const LATE = "the device has not taken it in time";

/**
 * What became of a template at a device since it was noted; undefined: nothing. What the device says goes before
 * what it has taken, because who reports for it takes every report for a sign that it has; who takes it late has
 * acknowledged it all the same. Nobody goes back to "applied".
 *
 * @param now ms since 1970 UTC
 */
export function stepOf(
  { state, version, dueAt, error: known }: Brought,
  { taken, reported }: Pick<Properties, "taken" | "reported">,
  now: number,
): Omit<Step, "device"> | undefined {
  if (version === 0 || state === "gone") return undefined;
  const error = errorOf(reported.value, version);
  if (error !== undefined) {
    return state === "failed" && error === known ? undefined : { state: "failed", version, error };
  }
  // Of version 1, which nobody has changed, there is nothing to take.
  if ((taken ?? 1) >= version) {
    return state === "acknowledged" ? undefined : { state: "acknowledged", version, error: "" };
  }
  const isLate = state === "applied" && dueAt !== undefined && now >= dueAt;
  return isLate ? { state: "failed", version, error: LATE } : undefined;
}

function errorOf(reported: JsonObject, version: number): string | undefined {
  const said = Object.hasOwn(reported, FAILED_PROPERTY) ? reported[FAILED_PROPERTY] : undefined;
  if (!isObject(said)) return undefined;
  const { version: of, error } = said as { version?: unknown; error?: unknown };
  if (typeof of !== "number" || !(of >= version)) return undefined;
  return typeof error === "string"
    ? error.slice(0, ERROR_LENGTH).toWellFormed()
    : "the device does not say why";
}

/** Devices that have failed after the steps. @param before of each that has a step: what was noted, if anything was */
export function failedAfter(
  failed: number,
  steps: readonly Step[],
  before: (device: string) => StepState | undefined,
): number {
  const isFailed = (state: StepState | undefined) => (state === "failed" ? 1 : 0);
  return steps.reduce((sum, { device, state }) => sum + isFailed(state) - isFailed(before(device)), failed);
}
