export { type Findings, sideBySide } from "./side-by-side.js";
