export { Capabilities, type Capability } from "./capabilities.js";
export { CannotOpen, KEY_BYTES, type Sealed, SealingKey } from "./sealing-key.js";
