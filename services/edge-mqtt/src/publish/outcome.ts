import type { Position } from "@fieldlog/contracts";

/**
 * What became of a publish:
 * - `stored`: it is in the log, flushed
 * - `refused`: it never will be; `text` tells its sender why
 * - `unavailable`: the log, or who must decide first, did not take it; the same message may be sent again
 */
export type PublishOutcome =
  | { readonly kind: "stored"; readonly position: Position }
  | Refused
  | { readonly kind: "unavailable"; readonly retryAfterS: number };

export type Refusal =
  | "not-authorized"
  | "topic-name-invalid"
  | "payload-format-invalid"
  | "quota-exceeded"
  | "packet-too-large";

export interface Refused {
  readonly kind: "refused";
  readonly reason: Refusal;
  /** For people; at most about 200 characters. */
  readonly text: string;
}

export function refused(reason: Refusal, text: string): Refused {
  return { kind: "refused", reason, text };
}
