// For deploy/fuzz: what reads bytes of others.
export { skimBatch } from "./admit/skim.js";
export { sessionKeyIn } from "./cred/access.js";
export {
  readEvent as readCredEvent,
  readFields as readCredFields,
  readSubscribe,
  readText,
  readWindow,
} from "./cred/input.js";
export { Refusal as CredRefusal } from "./cred/refusal.js";
export { readEditorTokenRequest, readKeyValueRequest } from "./csn/client-requests.js";
export { readOffers } from "./csn/data-offers.js";
export { readEvent } from "./csn/event.js";
export { readHeartbeat } from "./csn/heartbeat.js";
export { readLegacyQuery, readNameQuery, readRecentQuery, readUuidQuery } from "./csn/queries.js";
export { Refusal as CsnRefusal } from "./csn/refusal.js";
export { readCreate, readMetadataRequest, readUpdate } from "./csn/registration.js";
export { AnnotationsByFile, annotationsJson } from "./edge-impulse/ingestion/annotations.js";
export { storedName } from "./edge-impulse/ingestion/file-name.js";
export { labelOf, readHeaders } from "./edge-impulse/ingestion/headers.js";
export { wavOf } from "./edge-impulse/ingestion/media.js";
export { partsIn } from "./edge-impulse/ingestion/multipart.js";
export { Refusal as StudioRefusal } from "./edge-impulse/studio/refusal.js";
export { jsonBody } from "./http/json-body.js";
export { readInput } from "./native/input.js";
export { type Operation, operations } from "./native/operations.js";
export { Problem } from "./native/problem.js";
export { readPublished } from "./native/publish/read-published.js";
export { readSignature } from "./native/signed/signature.js";
export { lastEventId } from "./native/streams/asked.js";
export { connectionToken } from "./spotflow/files/connected.js";
export { operations as spotflowOperations } from "./spotflow/operations.js";
export {
  Credentials,
  readConfiguration,
  readCursor,
  readFields as readTentaFields,
  readFlag,
  readPath,
  readQuery,
} from "./tenta/input.js";
export { Refusal as TentaRefusal } from "./tenta/refusal.js";
export { fileIn } from "./uploads/multipart.js";
export { rangeOf } from "./uploads/range.js";
export { readPatch } from "./uploads/resumable.js";
