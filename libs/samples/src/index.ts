// For edges that take samples and models in, and give them back.
export { SampleStore, storedContent } from "./sample-store.js";
export {
  type About,
  type PutFile,
  SampleUpload,
  type SamplingClient,
  type StoreOptions,
  type UploadParts,
  type Whose,
} from "./sample-upload.js";
