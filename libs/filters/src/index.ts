// For doors: filters as the API has them.
export { isNear } from "./area.js";
export type { AreaJson } from "./area-json.js";
export { InvalidFilter } from "./checks.js";
// For fan-out: whom an event is for.
export { Facts } from "./facts.js";
export { FilterIndex } from "./filter-index.js";
export { type ConditionJson, describeFilter, type FilterJson, parseFilter } from "./filter-json.js";
export type { Matchable } from "./matchable.js";
export { compileFilter, matches } from "./matches.js";
