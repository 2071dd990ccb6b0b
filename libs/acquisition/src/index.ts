// What devices upload, read where it stands.
export {
  type Acquisition,
  type AcquisitionAxis,
  encodingOf,
  readAcquisition,
  readAcquisitionInTurns,
  type Signed,
} from "./document.js";
export { checkSignature, type SignatureState } from "./signature.js";
export { InvalidAcquisition } from "./tokens.js";
export type { Reference } from "./values.js";
export { acquisitionCsv, acquisitionJson } from "./values-text.js";
