/**
 * Topics of the tenta reference (A1.1), of both its generations: `<root>/<device id>`. Older clients send
 * heartbeats where newer ones send acknowledgments, and log-messages where newer ones send logs.
 */
const roots = {
  measurements: "measurements",
  heartbeats: "acknowledgments",
  acknowledgments: "acknowledgments",
  "log-messages": "log-entries",
  logs: "log-entries",
  configurations: "configurations",
} as const;

/** What is told under a topic; configurations are told by the platform alone. */
export type TentaKind = (typeof roots)[keyof typeof roots];

export interface TentaTopic {
  readonly kind: TentaKind;
  /** As it stands in the topic. */
  readonly device: string;
}

const kinds = new Map<string, TentaKind>(Object.entries(roots));

export function isTentaRoot(level: string): boolean {
  return kinds.has(level);
}

/** undefined: a topic that is not tenta's. */
export function tentaTopic(topic: string): TentaTopic | undefined {
  const slash = topic.indexOf("/");
  if (slash < 0 || topic.indexOf("/", slash + 1) >= 0) return undefined;
  const kind = kinds.get(topic.slice(0, slash));
  return kind && { kind, device: topic.slice(slash + 1) };
}
