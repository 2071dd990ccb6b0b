import type { SamplingParts, Served } from "../parts.js";

/** What is stored. Its parts start and stop with the lifecycle, in the order in which they are added. */
export function addSamples(_parts: SamplingParts): Served {
  return {};
}
