// The client.
export { DeviceClient } from "./client.js";
// What can go wrong.
export {
  ClientClosed,
  DeviceClientError,
  type ErrorCode,
  InvalidOption,
  MessageLost,
  OutboxFull,
  ProvisioningFailed,
  StoreUnusable,
} from "./errors.js";
// What comes in.
export type { Configuration, ConfigurationHandler } from "./link/configurations.js";
export type { MethodAnswer, MethodHandler } from "./link/methods.js";
export type { MessageHandler, ReceivedMessage } from "./link/subscriptions.js";
export type { StartOptions } from "./options.js";
// Properties.
export type { Properties, PropertyValue } from "./properties/merge-patch.js";
export type { Versioned } from "./properties/twin.js";
export type { ProvisioningOperation } from "./provisioning/api.js";
// Remote access.
export type { AllowedPorts } from "./remote/remote-access.js";
// What waits, and what was refused.
export type { FullPolicy } from "./store/outbox.js";
export type { RefusedMessage } from "./store/refused.js";
// Streams.
export type { Compression } from "./streams/compression.js";
export type { MessageIds, StreamSender, StreamSenderOptions } from "./streams/stream-sender.js";
// What a device tells.
export type { DeviceEvent, LogEntry, Measurement, Offer } from "./telling/messages.js";
