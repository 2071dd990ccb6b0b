// For services that keep what devices sent outside of the log.
export {
  DataKeys,
  type DataKeysOptions,
  DeviceErased,
  type KeyOfDevice,
  OF_NAMESPACE,
} from "./data-keys.js";
