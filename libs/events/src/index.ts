// For whoever shows or hands on events.
export { cloudEventJson, type EventData, type EventParts, isJson } from "./cloud-event.js";
export { identityOf, idOf } from "./identity.js";
export { instant, instantOfSeconds, millisOfSeconds } from "./instant.js";
// For whoever takes events in.
export { InvalidEvent } from "./invalid-event.js";
export { attributesOf, dataOf, type EventNamespace, LoggedEvent } from "./logged-event.js";
export { checkedJson, parseBinary, parseStructured } from "./parse-cloud-event.js";
export { parseEvent } from "./parse-event.js";
export { NOTHING_SAID, type PublishedEvent, type PublishedReading } from "./published-event.js";
export { readEvents } from "./read-events.js";
export { readingsData } from "./readings-data.js";
export type { ReportedLocation, ReportedReading, ReportedReadings, ReportedSignal } from "./reported.js";
export { isReserved, publishableName } from "./reserved.js";
export { WireSkimmer } from "./wire-skimmer.js";
