// For services that keep large data.
export { CannotDecrypt, encrypted } from "./encrypted.js";
export { NatsObjects, type NatsObjectsOptions } from "./nats-objects.js";
export {
  NoSuchObject,
  type ObjectStore,
  ObjectsUnavailable,
  type PutObject,
  type Range,
} from "./object-store.js";
