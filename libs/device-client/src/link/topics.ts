/** Filters of the dialect (reference B4): the platform takes them as subscribed to, said or not. */
export function ownFilters(workspaceId: string, deviceId: string): string[] {
  return [
    "$iothub/methods/POST/#",
    "$iothub/twin/res/#",
    "$iothub/twin/PATCH/properties/desired/#",
    `devices/${workspaceId}:${deviceId}/messages/devicebound/#`,
  ];
}

/** The bag of a message to the device; undefined: it is another topic. */
export function deviceBoundBag(topic: string): string | undefined {
  return /^devices\/[^/]+\/messages\/devicebound\/?(.*)$/s.exec(topic)?.[1];
}

/** Whether a topic is one of a filter's (MQTT 5, section 4.7). */
export function matches(filter: string, topic: string): boolean {
  const [wanted, given] = [filter.split("/"), topic.split("/")];
  // Section 4.7.2.
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (level !== "+" && level !== given[index]) return false;
  }
  return wanted.length === given.length;
}

/** Section 4.7.1. */
export function isFilter(filter: string): boolean {
  const levels = filter.split("/");
  return (
    filter !== "" &&
    Buffer.byteLength(filter) <= 1_024 &&
    levels.every((level, index) =>
      level === "#" ? index === levels.length - 1 : level === "+" || !/[+#\0]/.test(level),
    )
  );
}

const RESERVED = /[+#/%\0]/g;

/** One level of a topic of events: what would mean something else is percent-encoded. */
export function encodeLevel(text: string): string {
  return text.replace(
    RESERVED,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
