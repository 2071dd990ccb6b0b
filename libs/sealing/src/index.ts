export { Capabilities, type Capability } from "./capabilities.js";
export { InstallationKeys } from "./installation-keys.js";
export { countByKey, type ResealAsked, type ResealPage, resealed, resealing } from "./resealing.js";
export { CannotOpen, KEY_BYTES, type Sealed, SealingKey } from "./sealing-key.js";
export { type Sealing, SealingKeys } from "./sealing-keys.js";
export { openedByInstallation, WrongInstallationKey } from "./wrong-installation-key.js";
