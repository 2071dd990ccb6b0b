import type { IncomingHttpHeaders } from "node:http";
import { limits } from "@fieldlog/contracts";
import { Refusal } from "../studio/refusal.js";
import type { Annotations } from "./annotations.js";
import { ingestionRefusals } from "./refusal.js";
import { clean, readMetadata } from "./text.js";

/** What an upload's headers say of everything that is in it. */
export interface Asked {
  /** Undefined: not given. */
  readonly fileName: string | undefined;
  /** Empty: it is to have none. Undefined: what the file's name begins with. */
  readonly label: string | undefined;
  /** There may be no other of the same content. */
  readonly unique: boolean;
  /** Its name is to be one that no other has. */
  readonly addId: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly annotations: Annotations;
  readonly uploadSource: string;
  readonly deviceType: string;
}

/** What a label in a file's name consists of: "idle" in "idle.01". */
const LABEL = /^[a-zA-Z0-9\s\-_]+/;

/** Reference section 4. Raises Refusal 400. */
export function readHeaders(headers: IncomingHttpHeaders): Asked {
  const text = (name: string) => textOf(headers, name);
  const boxes = jsonIn(headers, "x-bounding-boxes");
  if (boxes !== undefined && !Array.isArray(boxes)) throw invalid("x-bounding-boxes", "is no list");
  return {
    fileName: text("x-file-name") || undefined,
    label: headers["x-no-label"] === "1" ? "" : text("x-label") || undefined,
    // Whatever is in it: clients send "1" and "true", and one of them sends "0".
    unique: headers["x-disallow-duplicates"] !== undefined,
    addId: headers["x-add-date-id"] === "1",
    metadata: metadataIn(headers),
    annotations: boxes === undefined ? {} : { boundingBoxes: boxes },
    uploadSource: text("x-upload-source"),
    deviceType: text("x-device-type"),
  };
}

/** Raises Refusal 421. */
export function neededFileName({ fileName }: Asked): string {
  if (fileName === undefined) throw ingestionRefusals.missingHeader("x-file-name");
  return fileName;
}

/** What the file's name says if nothing else does. */
export function labelOf({ label }: Asked, fileName: string): string {
  return label ?? LABEL.exec(fileName)?.[0].trim() ?? "";
}

/** Some clients encode what they send, others send their bytes as they are; of those some are UTF-8. */
function textOf(headers: IncomingHttpHeaders, name: string): string {
  const given = headers[name];
  if (typeof given !== "string") return "";
  const text = percentDecoded(utf8Of(given));
  if (text.length > limits.textLength) throw invalid(name, `has more than ${limits.textLength} characters`);
  return clean(text).trim();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Of(latin1: string): string {
  try {
    return utf8.decode(Buffer.from(latin1, "latin1"));
  } catch {
    return latin1;
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function metadataIn(headers: IncomingHttpHeaders): Record<string, string> {
  const given = jsonIn(headers, "x-metadata") ?? {};
  if (typeof given !== "object" || Array.isArray(given)) throw invalid("x-metadata", "is no object");
  return readMetadata(given, (what) => invalid("x-metadata", what));
}

function jsonIn(headers: IncomingHttpHeaders, name: string): unknown {
  const given = headers[name];
  if (typeof given !== "string" || given.trim() === "") return undefined;
  for (const text of [utf8Of(given), percentDecoded(utf8Of(given))]) {
    try {
      return JSON.parse(text) ?? undefined;
    } catch {
      // As it is, or encoded.
    }
  }
  throw invalid(name, "is not JSON");
}

function invalid(name: string, what: string): Refusal {
  return new Refusal(400, `The header ${name} ${what}.`);
}
