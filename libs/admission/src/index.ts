// Who may send, as an edge keeps it in memory.
export { Budget } from "./budget.js";
export { type ConnectEdgeOptions, connectEdge, type Edge } from "./connect-edge.js";
export { Connections, type KnownConnection } from "./connections.js";
export { type Digest, digestOf } from "./digest.js";
export { encodeSignal } from "./encode-signal.js";
export {
  type EventOrigin,
  type EventOutcome,
  EventPublishing,
  type EventPublishingParts,
  type Publisher,
} from "./event-publishing.js";
export {
  createKnown,
  deviceKey,
  type Known,
  type KnownDevice,
  type KnownDeviceSession,
  type KnownHmacKey,
  type KnownKey,
  type KnownNamespace,
  type KnownPassword,
  type KnownRegistered,
  type KnownSession,
  type KnownSubscription,
  keyHash,
  type OpenRequests,
  retryAfterS,
} from "./known.js";
export { atMost, LoadCache, type LoadCacheOptions, LoadsExceeded } from "./load-cache.js";
// Who reads events for longer than a request takes.
export {
  type Credential,
  type EndReason,
  mayRead,
  type OpenReader,
  OpenReaders,
} from "./open-readers.js";
export { OwnWrites, type WrittenLog } from "./own-writes.js";
export { observeRefusals, type RefusalReason, reasonOfStatus } from "./refusals.js";
export { RegistryWatch } from "./registry-watch.js";
export type * from "./signal.js";
export type { KnownSigner } from "./signer.js";
export { Tail, type TailOptions } from "./tail.js";
