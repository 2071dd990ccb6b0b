import type { signals } from "@fieldlog/contracts";

/** A message of a stream, or a part of one, as it came. */
export interface Came {
  readonly device: string;
  readonly identity: string;
  /** ms since 1970 UTC. */
  readonly receivedAt: number;
  readonly message: signals.StreamMessage;
}
