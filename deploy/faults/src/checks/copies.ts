import type { Finding } from "./finding.js";

/** What one NATS server has of a stream. */
export interface Copy {
  readonly server: string;
  readonly stream: string;
  readonly messages: number;
  /** Its newest sequence. */
  readonly last: number;
}

/** Whether all copies of each stream are the same: a reader is served from any of them. */
export function copyFindings(copies: readonly Copy[]): Finding[] {
  return [...Map.groupBy(copies, ({ stream }) => stream)].flatMap(([who, same]) => {
    if (new Set(same.map(({ messages, last }) => `${messages} ${last}`)).size === 1) return [];
    const each = same.map(({ server, messages, last }) => `${server} has ${messages} messages up to ${last}`);
    return [{ what: "diverged" as const, where: "NATS", who, detail: each.join(", ") }];
  });
}
