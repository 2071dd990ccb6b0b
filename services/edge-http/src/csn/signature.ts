import { hash, timingSafeEqual } from "node:crypto";

/** A4: the lowercase hex SHA-256 of `{date}/{message_id}/{client_secret}`, the date exactly as sent. */
export function signatureOf(date: string, messageId: number, secret: string): string {
  return hash("sha256", `${date}/${messageId}/${secret}`);
}

const HEX_LENGTH = 64;
const expected = Buffer.alloc(HEX_LENGTH);
const given = Buffer.alloc(HEX_LENGTH);

/** Whether the signature is right; takes the same time whichever characters differ. */
export function isSignedBy(signature: string, date: string, messageId: number, secret: string): boolean {
  expected.write(signatureOf(date, messageId, secret), "latin1");
  given.fill(0);
  const written = given.write(signature, "latin1");
  const equal = timingSafeEqual(expected, given);
  return equal && written === HEX_LENGTH && signature.length === HEX_LENGTH;
}
