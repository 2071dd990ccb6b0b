// For deploy/fuzz: what reads bytes of others.
export { readConnect, saysVersion5 } from "./codec/read-connect.js";
export {
  readAcknowledgment,
  readDisconnect,
  readPublish,
  readSubscribe,
  readUnsubscribe,
} from "./codec/read-packets.js";
export { Reader } from "./codec/reader.js";
export { BadPacket } from "./codec/reason.js";
export { isTopicName, parseFilter } from "./connection/topics.js";
export { readEvent } from "./events/read-event.js";
export { eventTopic, eventTopicOf } from "./events/topics.js";
export { readHeartbeat } from "./heartbeats/read-heartbeat.js";
export { Framer, INCOMPLETE } from "./net/framer.js";
export { hubId, readHubLogin } from "./spotflow/login.js";
export { readTelemetry } from "./spotflow/telemetry.js";
export { readHubRequest } from "./spotflow/topics.js";
export { skimPublished } from "./subscriptions/skim.js";
export { matchesFilter } from "./subscriptions/topic-filter.js";
export { TopicTree } from "./subscriptions/topic-tree.js";
export { Malformed } from "./tenta/payload.js";
export { readTenta } from "./tenta/read.js";
export { tentaTopic } from "./tenta/topics.js";
