// Names of rows and curves that the capacity page looks up: the benchmarks give them, the page reads them.

export const WHOLE_PATH = "whole path of 5,000 devices";
/** Messages per second of the whole path. */
export const WHOLE_PATH_RATE = 5_000;
export const WHOLE_PATH_BUSY = `${WHOLE_PATH}, processors busy: `;
export const IDLE_MQTT_SESSION = "each of 10,000 idle sessions";
export const MQTT_MEASUREMENTS = "the same, measurements of three values";
export const SIGNED_EVENT = "signed event, flushed before the answer";
/** Behind the kind of signal. */
export const INTO_TABLES = " into their tables";

export const curves = {
  livenessMemory: "liveness: resident memory",
  livenessRestart: "liveness: restart until ready",
  livenessBeats: "liveness: heartbeats",
  matchedP50: "an event is matched, p50",
  matchedP99: "an event is matched, p99",
  subscriptionMemory: "each subscription",
  restart: "projections: restart until ready",
  newestPage: "the newest page, p99",
  anyPage: "a page somewhere, p99",
  logBytes: "the log's bytes of an event",
  tableBytes: "the tables' bytes of an event",
  rebuilt: "rebuilt",
} as const;
