import type { SamplingParts, Served } from "../parts.js";

/** What devices are asked to sample. Its parts start and stop with the lifecycle, in the order in which they are added. */
export function addSamplings(_parts: SamplingParts): Served {
  return {};
}
