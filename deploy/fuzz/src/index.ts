// For whoever adds a decoder.
export { decoding, type Target } from "./target.js";
export { targets } from "./targets/targets.js";
