// Events under which something happens, and whether all of them are there afterwards.
export { Caller, type Door, type Doors, EVENTS, Load } from "./load.js";
export { differences, eventsAt, within } from "./read-back.js";
export { type Findings, sideBySide } from "./side-by-side.js";
