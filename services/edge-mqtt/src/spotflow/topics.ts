import { deviceBoundTopic } from "@fieldlog/contracts";

/** What a device publishes to besides what it measures (spotflow reference B4). */
export type HubRequest =
  | { readonly kind: "get-twin"; readonly id: string }
  /** `version`: of the reported properties that it is based on; undefined: it does not say. */
  | { readonly kind: "report"; readonly id: string; readonly version: number | undefined }
  | { readonly kind: "method-answer"; readonly id: string; readonly status: number };

const ROOT = "$iothub/";
const REQUEST = /^\$iothub\/(twin\/GET|twin\/PATCH\/properties\/reported|methods\/res\/(\d{1,9}))\/\?(.*)$/s;
const LONGEST_ID = 256;

/** The filters whose messages come without a session and without SUBSCRIBE. */
const FILTERS = new Set([
  "$iothub/methods/POST/#",
  "$iothub/twin/res/#",
  "$iothub/twin/PATCH/properties/desired/#",
]);

export function isHubFilter(filter: string): boolean {
  return FILTERS.has(filter);
}

export function isHubTopic(topic: string): boolean {
  return topic.startsWith(ROOT);
}

/** Undefined: none that there is. */
export function readHubRequest(topic: string): HubRequest | undefined {
  const [, what, status, query] = REQUEST.exec(topic) ?? [];
  if (what === undefined || query === undefined) return undefined;
  const asked = new Map(query.split("&").map((pair) => splitPair(pair)));
  const id = asked.get("$rid") ?? "";
  if (id === "" || id.length > LONGEST_ID || /[+#/]/.test(id)) return undefined;
  if (what === "twin/GET") return { kind: "get-twin", id };
  if (status !== undefined) return { kind: "method-answer", id, status: Number(status) };
  const version = asked.get("$version");
  if (version !== undefined && !/^\d{1,15}$/.test(version)) return undefined;
  return { kind: "report", id, version: version === undefined ? undefined : Number(version) };
}

/** `name=value`; without the sign, the value is empty. */
export function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
}

export function twinAnswerTopic(status: number, id: string, version?: number): string {
  return `$iothub/twin/res/${status}/?$rid=${id}${version === undefined ? "" : `&$version=${version}`}`;
}

export function desiredTopic(version: number): string {
  return `$iothub/twin/PATCH/properties/desired/?$version=${version}`;
}

export function methodTopic(name: string, id: string): string {
  return `$iothub/methods/POST/${encodeURIComponent(name)}/?$rid=${id}`;
}

/** What messages to the device come on, each with its properties in the last level. */
export function deviceBoundFilter(namespace: string, device: string): string {
  return `${deviceBoundTopic(namespace, device)}/#`;
}

/** Whether a topic or a filter is of the part that only devices of this dialect have, each its own. */
export function isOfHub(topic: string): boolean {
  return topic === "devices" || topic.startsWith("devices/");
}

export function telemetryTopic(hubId: string): string {
  return `devices/${hubId}/messages/events`;
}
