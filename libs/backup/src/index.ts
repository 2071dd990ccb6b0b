export { type BackedUp, type BackUpOptions, backUp } from "./back-up.js";
export { BackupError } from "./errors.js";
export { MANIFEST, type Manifest, type Place, type StreamPart } from "./manifest.js";
export { type Restored, type RestoreOptions, restore } from "./restore.js";
