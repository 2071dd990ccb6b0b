/** The text as Postgres can keep it: it has no character U+0000, which JSON and protobuf do. */
export function storable(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}
