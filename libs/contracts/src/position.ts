import { limits } from "./limits.js";

/**
 * An event's place in its namespace's log: `sequence * 4096 + index in the commit`.
 * Strictly increasing, below 2^53, so a plain number holds it.
 */
export type Position = number;

const WIDTH = limits.signalsPerCommit;

/** The position of the `index`-th signal (0 to 4095) of the commit at `sequence` (from 1). */
export function positionOf(sequence: number, index: number): Position {
  if (index < 0 || index >= WIDTH) throw new RangeError(`index ${index} is not in a commit`);
  return sequence * WIDTH + index;
}

/** The JetStream sequence of the commit that holds the position. */
export function sequenceOf(position: Position): number {
  return Math.floor(position / WIDTH);
}

export function indexOf(position: Position): number {
  return position % WIDTH;
}

/** The position of the last signal that a commit can hold: everything after it is in a later commit. */
export function endOf(sequence: number): Position {
  return positionOf(sequence, WIDTH - 1);
}
