import { limits } from "@fieldlog/contracts";

/** Whether a text may be the topic of a message: not empty [MQTT-4.7.3-1], no wildcards [MQTT-3.3.2-2]. */
export function isTopicName(topic: string): boolean {
  return topic !== "" && !topic.includes("+") && !topic.includes("#");
}

/** A topic filter in its parts. */
export interface TopicFilter {
  /** Without `$share/<group>/`. */
  readonly filter: string;
  /** Name of the group that shares the subscription. */
  readonly share: string | undefined;
}

const SHARE = "$share/";

/**
 * Undefined: it is no valid filter, or one that is not offered. Topics that begin with `$` are nobody's
 * here, `$SYS` included, so a filter that begins so could never match.
 */
export function parseFilter(text: string): TopicFilter | undefined {
  if (Buffer.byteLength(text) > limits.mqttTopicBytes) return undefined;
  if (!text.startsWith("$")) return isFilter(text) ? { filter: text, share: undefined } : undefined;
  if (!text.startsWith(SHARE)) return undefined;
  const slash = text.indexOf("/", SHARE.length);
  const share = text.slice(SHARE.length, slash);
  const filter = text.slice(slash + 1);
  // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
  if (slash === -1 || share === "" || share.includes("+") || share.includes("#")) return undefined;
  return isFilter(filter) && !filter.startsWith("$") ? { filter, share } : undefined;
}

/** [MQTT-4.7.3-1]; `#` alone in the last level [MQTT-4.7.1-1], `+` alone in its level [MQTT-4.7.1-2]. */
function isFilter(text: string): boolean {
  if (text === "") return false;
  const levels = text.split("/");
  if (levels.length > limits.mqttTopicLevels) return false;
  return levels.every((level, index) => {
    if (level === "+") return true;
    if (level === "#") return index === levels.length - 1;
    return !level.includes("+") && !level.includes("#");
  });
}
