import { z } from "zod";
import { jsonText } from "../../http/json-text.js";
import { Refusal } from "../studio/refusal.js";
import { clean, readMetadata } from "./text.js";

/** What people say of a file, besides its label. */
export interface Annotations {
  /** Things in a picture: `{label, x, y, width, height}` in pixels. */
  readonly boundingBoxes?: readonly unknown[];
  /** Labels of stretches of time: `{startIndex, endIndex, label}`. */
  readonly structuredLabels?: readonly unknown[];
  /** Names of files that belong to it. */
  readonly attachments?: readonly string[];
  /** Several labels, by name. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Names of files that say something of others. */
export const LABELS_SUFFIX = ".labels";
/** Bytes of such a file, and characters of what one says of one file. */
export const LABELS_BYTES = 4 * 1024 * 1024;
const MOST_CHARACTERS = 128 * 1024;

const version = { version: z.literal(1) };
const box = z.object({
  ...{ label: z.string(), x: z.number(), y: z.number() },
  ...{ width: z.number().positive(), height: z.number().positive() },
});
const stretch = z.object({ startIndex: z.number(), endIndex: z.number(), label: z.string() });
const byFile = <T extends z.ZodType>(of: T) => z.record(z.string(), of);

const labelsFile = z.discriminatedUnion("type", [
  z.object({ ...version, type: z.literal("bounding-box-labels"), boundingBoxes: byFile(z.array(box)) }),
  z.object({ ...version, type: z.literal("structured-labels"), structuredLabels: byFile(z.array(stretch)) }),
  z.object({
    ...{ ...version, type: z.literal("attachments") },
    attachments: byFile(z.array(z.object({ filename: z.string() }))),
  }),
  z.object({
    ...{ ...version, type: z.literal("label-map-labels") },
    labels: byFile(z.union([z.array(z.string()), z.record(z.string(), z.string())])),
  }),
]);

/** What the `.labels` files of a request say of its other files, by the names that these were sent with. */
export class AnnotationsByFile {
  private readonly found = new Map<string, Annotations>();

  /** Raises Refusal 400. @param name of the `.labels` file */
  add(name: string, bytes: Uint8Array): void {
    const read = labelsFile.safeParse(parse(name, bytes));
    if (!read.success) {
      const [issue] = read.error.issues;
      throw wrong(name, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`);
    }
    const file = read.data;
    switch (file.type) {
      case "bounding-box-labels":
        this.each(file.boundingBoxes, (boundingBoxes) => ({ boundingBoxes }));
        break;
      case "structured-labels":
        this.each(file.structuredLabels, (structuredLabels) => ({ structuredLabels }));
        break;
      case "attachments":
        this.each(file.attachments, (files) => ({ attachments: files.map((one) => one.filename) }));
        break;
      case "label-map-labels":
        this.each(file.labels, (labels) => ({
          labels: readMetadata({ ...labels }, (what) => wrong(name, what)),
        }));
    }
  }

  of(fileName: string): Annotations {
    return this.found.get(fileName) ?? {};
  }

  /** The file that this one belongs to. */
  ownerOf(fileName: string): string | undefined {
    for (const [owner, { attachments = [] }] of this.found) if (attachments.includes(fileName)) return owner;
    return undefined;
  }

  private each<T>(files: Readonly<Record<string, T>>, annotations: (of: T) => Annotations): void {
    for (const [file, of] of Object.entries(files)) {
      this.found.set(file, { ...this.found.get(file), ...annotations(of) });
    }
  }
}

/** As it is stored; empty: there are none. Raises Refusal 400. */
export function annotationsJson(annotations: Annotations): string {
  const deep = (what: string) => new Refusal(400, `What is said of one file: ${what}`);
  const json = Object.keys(annotations).length === 0 ? "" : jsonText(annotations, deep);
  if (json.length > MOST_CHARACTERS) {
    throw new Refusal(400, `What is said of one file has more than ${MOST_CHARACTERS} characters.`);
  }
  return json;
}

function parse(name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    throw wrong(name, "is not JSON");
  }
}

function wrong(name: string, what: string): Refusal {
  return new Refusal(400, `${clean(name)}: ${what}`);
}
