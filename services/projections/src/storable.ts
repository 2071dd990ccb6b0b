import { StringDecoder } from "node:string_decoder";
import { limits } from "@fieldlog/contracts";

/** The text as Postgres can keep it: it has no character U+0000, which JSON and protobuf do. */
export function storable(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}

/**
 * As much of the text as an index takes beside ids, in whole characters. Doors let no longer names of events in, but an
 * old log has them; the type of a sensor may be one.
 */
export function indexable(text: string): string {
  if (text.length * 3 <= limits.textLength) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= limits.textLength) return text;
  return new StringDecoder("utf8").write(bytes.subarray(0, limits.textLength));
}
