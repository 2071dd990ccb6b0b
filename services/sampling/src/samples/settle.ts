import type { AwaitingSampling } from "../samplings/rows.js";

/** Of 256 first bytes of a SHA-256, so many go into training: 80 %. */
const TRAINING = 205;

/** Of what is to be split, the same content always goes to the same side, about 80:20. @param sha256 hex */
export function settledCategory(category: string, sha256: string): string {
  if (category !== "split") return category;
  return Number.parseInt(sha256.slice(0, 2), 16) < TRAINING ? "training" : "testing";
}

/** What is known of an upload that may be what a device was asked for. */
export interface Uploaded {
  /** As it was sent: "split" is not settled yet. */
  readonly category: string;
  readonly label: string;
  /** Names of the device that the upload itself gives: one suffices. Empty: it gives none. */
  readonly devices: readonly string[];
}

const NEARLY_DONE: readonly string[] = ["uploading", "finished"];

/**
 * The sampling that an upload belongs to: that of its device; where it names none, one of the same label, at first one of a
 * device that says that it uploads. undefined: nobody asked for it.
 *
 * @param awaiting the oldest first
 */
export function samplingOf(
  { category, label, devices }: Uploaded,
  awaiting: readonly AwaitingSampling[],
): AwaitingSampling | undefined {
  const possible = awaiting.filter((one) => one.category === category);
  if (devices.length > 0) return possible.find(({ device }) => devices.includes(device));
  const alike = possible.filter((one) => one.label === label);
  return alike.find(({ state }) => NEARLY_DONE.includes(state)) ?? alike[0];
}
