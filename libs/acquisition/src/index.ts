// What devices upload, read where it stands.
export {
  type Acquisition,
  encodingOf,
  readAcquisition,
  type Signed,
} from "./document.js";
export { checkSignature } from "./signature.js";
export { InvalidAcquisition } from "./tokens.js";
export { acquisitionCsv, acquisitionJson } from "./values-text.js";
