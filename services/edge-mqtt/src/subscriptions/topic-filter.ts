/** Whether the filter matches the topic (MQTT 5, section 4.7). Both are valid. */
export function matchesFilter(filter: string, topic: string): boolean {
  // Topics beginning with $ are not matched by filters beginning with a wildcard [MQTT-4.7.2-1].
  if (topic.startsWith("$") && (filter.startsWith("#") || filter.startsWith("+"))) return false;
  let f = 0;
  let t = 0;
  for (;;) {
    if (filter[f] === "#") return true;
    const filterEnd = levelEnd(filter, f);
    const topicEnd = levelEnd(topic, t);
    const any = filterEnd === f + 1 && filter[f] === "+";
    if (!any && !sameLevel(filter, f, filterEnd, topic, t, topicEnd)) return false;
    const filterOver = filterEnd === filter.length;
    const topicOver = topicEnd === topic.length;
    // "sport/#" also matches "sport": the level above (section 4.7.1.2).
    if (topicOver) return filterOver || filter.slice(filterEnd) === "/#";
    if (filterOver) return false;
    f = filterEnd + 1;
    t = topicEnd + 1;
  }
}

function levelEnd(text: string, from: number): number {
  const slash = text.indexOf("/", from);
  return slash < 0 ? text.length : slash;
}

function sameLevel(
  a: string,
  aStart: number,
  aEnd: number,
  b: string,
  bStart: number,
  bEnd: number,
): boolean {
  const length = aEnd - aStart;
  if (length !== bEnd - bStart) return false;
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(aStart + i) !== b.charCodeAt(bStart + i)) return false;
  }
  return true;
}

/** A filter of SUBSCRIBE or UNSUBSCRIBE in its parts: `$share/<group>/<filter>` [MQTT-4.8.2-1]. */
export function splitShare(filter: string): { readonly share?: string; readonly filter: string } {
  if (!filter.startsWith("$share/")) return { filter };
  const slash = filter.indexOf("/", 7);
  return slash < 0 ? { filter } : { share: filter.slice(7, slash), filter: filter.slice(slash + 1) };
}
