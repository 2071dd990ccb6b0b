import { randomInt } from "node:crypto";

/** Nothing that looks or sounds like another: no 0 O, 1 I L, no vowels that make words. */
const ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ";
const LENGTH = 8;
const GROUP = 4;
const CODE = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);

/** A code that people read aloud, "K7QP-3M4X"; of 28^8 (3.8 × 10^11). */
export function newVerificationCode(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return grouped(letters);
}

/** As {@link newVerificationCode} writes it, whatever its case and hyphens; undefined: it is none. */
export function verificationCode(text: string): string | undefined {
  if (text.length > 4 * LENGTH) return undefined;
  const letters = text.replaceAll(/[-\s]/g, "").toUpperCase();
  return CODE.test(letters) ? grouped(letters) : undefined;
}

function grouped(letters: string): string {
  return `${letters.slice(0, GROUP)}-${letters.slice(GROUP)}`;
}
