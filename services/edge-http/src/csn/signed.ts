import { isFieldSet } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { parseDate } from "./dates.js";
import type { RawSignature } from "./event-message.js";
import { type Refusal, refusals } from "./refusal.js";

/** Who a message says it is from, and its place among that device's messages. Not yet verified. */
export interface Signed {
  /** As sent: the signature covers these very characters. */
  readonly date: string;
  /** The same: ms since 1970 UTC. */
  readonly sentAt: number;
  readonly messageId: number;
  readonly signature: string;
}

/** A3: message_id, date and signature must be there, asked for in this order, and the date must be one. */
export function readSigned({ messageId, date, signature }: RawSignature): Signed | Refusal {
  if (messageId === undefined) return refusals.missing("message_id");
  if (date === undefined) return refusals.missing("date");
  if (signature === undefined) return refusals.missing("signature");
  const sentAt = parseDate(date);
  if (sentAt === undefined) return refusals.badDate(date);
  return { date, sentAt, messageId, signature };
}

const field = saf.ClientSignatureSchema.field;

/** The signature of a message that the generated code has decoded. */
export function rawSignature(given: saf.ClientSignature): RawSignature {
  return {
    date: isFieldSet(given, field.date) ? given.date : undefined,
    messageId: isFieldSet(given, field.messageId) ? given.messageId : undefined,
    signature: isFieldSet(given, field.signature) ? given.signature : undefined,
  };
}
