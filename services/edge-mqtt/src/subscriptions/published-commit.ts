import type { EventNamespace } from "@fieldlog/events";
import { type OutboundMessage, outboundMessage } from "./outbound-message.js";
import { type Skimmed, skimPublished } from "./skim.js";

/** Bytes of memory that what is read of a message takes up, beside the message. */
const SKIMMED_BYTES = 200;

/** A commit as subscribers see it: the published messages in it. */
export class PublishedCommit {
  private decoded: Skimmed | undefined;
  private made: OutboundMessage | undefined;

  constructor(
    private readonly namespace: EventNamespace,
    readonly sequence: number,
    readonly messages: readonly Skimmed[],
    private readonly data: Uint8Array,
    private readonly onError: (error: Error) => void,
  ) {}

  /** Of memory, about. */
  get bytes(): number {
    return this.data.length + this.messages.length * SKIMMED_BYTES;
  }

  /**
   * The message; asked again for the same one, before another, it gives the same object.
   *
   * @returns undefined for bytes that are none, after `onError` was told
   */
  message(skimmed: Skimmed): OutboundMessage | undefined {
    if (this.decoded !== skimmed) {
      this.decoded = skimmed;
      this.made = undefined;
      try {
        const encoded = this.data.subarray(skimmed.start, skimmed.end);
        this.made = outboundMessage(this.namespace, skimmed.position, encoded);
      } catch (error) {
        this.onError(error as Error);
      }
    }
    return this.made;
  }
}

/** Without messages for bytes that are no commit: `onError` is told, and nobody waits for them for ever. */
export function readPublished(
  namespace: EventNamespace,
  sequence: number,
  data: Uint8Array,
  onError: (error: Error) => void,
): PublishedCommit {
  try {
    return new PublishedCommit(namespace, sequence, skimPublished(sequence, data), data, onError);
  } catch (error) {
    onError(error as Error);
    return new PublishedCommit(namespace, sequence, [], data, onError);
  }
}
