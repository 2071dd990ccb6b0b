import type { SampleTables } from "./samples/tables.js";
import type { SamplingsTables } from "./samplings/tables.js";

/** The service's schema in Postgres. */
export const SCHEMA = "sampling";

export interface SamplingTables extends SamplingsTables, SampleTables {}
