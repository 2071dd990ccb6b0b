import { objectOf } from "./fields.js";
import { parseStructured } from "./parse-cloud-event.js";
import { parseShort } from "./parse-short.js";
import type { PublishedEvent } from "./published-event.js";

/** An event in JSON: a CloudEvent (it has `specversion`) or the short form. Raises InvalidEvent. */
export function parseEvent(json: unknown): PublishedEvent {
  const event = objectOf(json, "");
  return "specversion" in event ? parseStructured(event) : parseShort(event);
}
