/** Tables of what devices are asked to sample. */
export type SamplingsTables = {};
