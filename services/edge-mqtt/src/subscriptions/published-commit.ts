import { type OutboundMessage, outboundMessage } from "./outbound-message.js";
import { type Skimmed, skimPublished } from "./skim.js";

/** A commit as subscribers see it: the published messages in it. */
export class PublishedCommit {
  readonly messages: readonly Skimmed[];
  private decoded: Skimmed | undefined;
  private made: OutboundMessage | undefined;

  /** Raises RangeError for bytes that are no commit. */
  constructor(
    readonly sequence: number,
    private readonly data: Uint8Array,
  ) {
    this.messages = skimPublished(sequence, data);
  }

  get bytes(): number {
    return this.data.length;
  }

  /** The message; asked again for the same one, before another, it gives the same object. */
  message(skimmed: Skimmed): OutboundMessage | undefined {
    if (this.decoded !== skimmed) {
      this.made = outboundMessage(skimmed.position, this.data.subarray(skimmed.start, skimmed.end));
      this.decoded = skimmed;
    }
    return this.made;
  }
}

/** Without messages for bytes that are no commit: `onError` is told, and nobody waits for them for ever. */
export function readPublished(
  sequence: number,
  data: Uint8Array,
  onError: (error: Error) => void,
): PublishedCommit {
  try {
    return new PublishedCommit(sequence, data);
  } catch (error) {
    onError(error as Error);
    return new PublishedCommit(sequence, new Uint8Array());
  }
}
