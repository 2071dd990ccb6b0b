/** The bytes of a text in base64 (RFC 4648, section 4) without line breaks, padded or not; undefined: it is none. */
export function base64Bytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  // The decoder passes over what is no base64; then there are fewer bytes than the text would give.
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return bytes.length === Math.floor(((text.length - padding) * 3) / 4) ? bytes : undefined;
}
