import type { Target } from "../target.js";
import { attempt, type Failure } from "./attempt.js";
import { OutOfBounds } from "./bounds.js";

/** What was found, once for all inputs that do the same. */
export interface Finding extends Failure {
  readonly target: string;
  /** The same for what is most likely the same fault. */
  readonly key: string;
}

/** Inputs that are tried to find a shorter one. */
const TRIES = 400;

/** What it does wrong, and where. */
export function keyOf({ error }: Pick<Failure, "error">): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OutOfBounds) return error.name;
  const place = /\((.*?\/(?:dist|src)\/[^)]*)\)|at (file:.*?\/(?:dist|src)\/\S*)/.exec(error.stack ?? "");
  return `${error.name}: ${error.message.replaceAll(/\d+/g, "0").slice(0, 60)} ${place?.[1] ?? place?.[2] ?? ""}`;
}

/** A shorter input that does the same; of what takes too long, the same one. */
export async function shrunk(target: Target, failure: Failure): Promise<Failure> {
  if (failure.error instanceof OutOfBounds) return failure;
  const key = keyOf(failure);
  let best = failure;
  let tries = TRIES;
  for (let size = Math.ceil(best.input.length / 2); size >= 1 && tries > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.input.length && tries > 0; tries--) {
      const shorter = Buffer.concat([best.input.subarray(0, at), best.input.subarray(at + size)]);
      const { failure: found } = await attempt(target, [shorter]);
      if (found !== undefined && keyOf(found) === key) best = found;
      else at += size;
    }
  }
  return best;
}
