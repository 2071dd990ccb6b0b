// For deploy/fuzz: what reads bytes of others.
export { comparable, isBatch } from "./comparable.js";
export { quickBatch } from "./events/quick-batch.js";
export { reported } from "./events/reported.js";
export { slowMessages } from "./messages/decode.js";
export { quickMessages } from "./messages/quick-messages.js";
export { InvalidFilter, topicSearch } from "./messages/topic-filter.js";
export { slowReadings } from "./readings/decode.js";
export { quickReadings } from "./readings/quick-readings.js";
