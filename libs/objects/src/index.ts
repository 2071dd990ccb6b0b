// For services that keep large data.
export { CannotDecrypt, encrypted, PLAIN, sealInto } from "./encrypted.js";
export { inPages } from "./in-pages.js";
export { NatsObjects, type NatsObjectsOptions } from "./nats-objects.js";
export {
  NoSuchObject,
  type ObjectStore,
  ObjectsUnavailable,
  type PutObject,
  type Range,
} from "./object-store.js";
export type { Links, Objects } from "./objects.js";
export { type ObjectSettings, openObjects } from "./open-objects.js";
// What is so small that several are one object.
export { namesInPack } from "./pack.js";
// What is larger than one object.
export { bytesIn, contentOf, type Part, partName, Stretches } from "./parts.js";
export { type LinkOptions, S3Objects, type S3ObjectsOptions } from "./s3-objects.js";
export {
  AlreadyWhole,
  findWhole,
  isSame,
  putWhole,
  streamUploadFolder,
  streamUploadsOf,
  type Whole,
  wholeOf,
} from "./whole.js";
