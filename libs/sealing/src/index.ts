export { Capabilities, type Capability } from "./capabilities.js";
export { InstallationKeys } from "./installation-keys.js";
export { CannotOpen, KEY_BYTES, type Sealed, SealingKey } from "./sealing-key.js";
export { type Sealing, SealingKeys } from "./sealing-keys.js";
