/** The bytes of a text in base64 (RFC 4648, section 4) without line breaks, padded or not; undefined: it is none. */
export function base64Bytes(text: string): Buffer | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const length = text.length - padding;
  if (length % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return undefined;
  const bytes = Buffer.from(text, "base64");
  // The decoder passes over what is no base64; then there are fewer bytes than the text would give.
  return bytes.length === Math.floor((length * 3) / 4) ? bytes : undefined;
}
