import { isFieldSet } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { parseDate } from "./dates.js";
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

const field = saf.ClientSignatureSchema.field;

/** A3: message_id, date and signature must be there, asked for in this order, and the date must be one. */
export function readSigned(given: saf.ClientSignature): Signed | Refusal {
  if (!isFieldSet(given, field.messageId)) return refusals.missing("message_id");
  if (!isFieldSet(given, field.date)) return refusals.missing("date");
  if (!isFieldSet(given, field.signature)) return refusals.missing("signature");
  const { date, messageId, signature } = given;
  const sentAt = parseDate(date);
  if (sentAt === undefined) return refusals.badDate(date);
  return { date, sentAt, messageId, signature };
}
