/** What of a topic level would mean something else: wildcards, the separator, the sign itself, and NUL. */
const RESERVED = /[+#/%\0]/g;
const ROOT = "events";

/** Under which everybody may publish and subscribe to events: `events/<device>/<name>`. */
export interface EventTopic {
  readonly device: string;
  /** "": the event has none. */
  readonly name: string;
}

/** The topic on which an event reaches subscribers. */
export function eventTopicOf({ device, name }: EventTopic): string {
  return `${ROOT}/${encodeLevel(device)}/${encodeLevel(name)}`;
}

function encodeLevel(text: string): string {
  return text.replace(
    RESERVED,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** Undefined: no topic of events. "malformed": a level is not percent-encoded UTF-8, or has NUL. */
export function eventTopic(topic: string): EventTopic | "malformed" | undefined {
  if (!topic.startsWith(`${ROOT}/`)) return undefined;
  const [device, name, ...more] = topic.slice(ROOT.length + 1).split("/");
  if (device === undefined || name === undefined || more.length > 0) return undefined;
  try {
    const decoded = { device: decodeURIComponent(device), name: decodeURIComponent(name) };
    return `${decoded.device}${decoded.name}`.includes("\0") ? "malformed" : decoded;
  } catch {
    return "malformed";
  }
}

/** Whether a filter matches nothing outside of the topics of events. */
export function isFilterOfEvents(filter: string): boolean {
  return filter.startsWith(`${ROOT}/`);
}
