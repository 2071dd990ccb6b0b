import { toBinary } from "@bufbuild/protobuf";
import type { Id } from "@fieldlog/aggregates";
import { limits, registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";

/** Where a sample may be, and be moved to. */
export const CATEGORIES: readonly string[] = [
  ...["training", "testing", "anomaly", "validation", "post-processing", "inference"],
];
/** Where it may be sent to. */
const SENT_TO: readonly string[] = [...CATEGORIES, "split"];
const SIGNATURES: readonly string[] = ["", "valid", "invalid", "unsigned"];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHA256_BYTES = 32;
/** Characters of annotations, and files of one sample. */
const ANNOTATIONS = 128 * 1024;
const ATTACHMENTS = 1_000;

/** Raises InvalidField. */
export function checkSample(
  { namespace, id }: Id,
  sample: registry.SampleStored | undefined,
): registry.SampleStored {
  if (!UUID.test(id)) throw new InvalidField("id", "is no UUID");
  if (sample === undefined) throw new InvalidField("sample", "is missing");
  const { device, label, fileName, sensor, deviceType, uploadSource } = sample;
  checkOne("sample.category", sample.category, SENT_TO);
  checkOne("sample.signature", sample.signature, SIGNATURES);
  checkTexts("sample.", { key: sample.key, sampling: sample.sampling });
  checkTexts("sample.", { device, label, fileName, sensor, deviceType, uploadSource });
  checkContent("sample.stored", sample.stored, `${namespace}/~samples/${id}/`);
  checkMetadata("sample.metadata", sample.metadata);
  for (const [name, value] of Object.entries({ intervalMs: sample.intervalMs, lengthMs: sample.lengthMs })) {
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      throw new InvalidField(`sample.${name}`, "is no time");
    }
  }
  if (sample.axes.length > limits.sampleAxes) {
    throw new InvalidField("sample.axes", `are at most ${limits.sampleAxes}`);
  }
  for (const { name, units } of sample.axes) checkTexts("sample.axes.", { name, units });
  checkAttachments(sample);
  if (sample.annotationsJson.length > ANNOTATIONS || sample.annotationsJson.includes("\u0000")) {
    throw new InvalidField("sample.annotationsJson", `has at most ${ANNOTATIONS} characters, and no NUL`);
  }
  // The decision is one message of the log.
  if (toBinary(registry.SampleStoredSchema, sample).length > limits.signalBytes) {
    throw new InvalidField("sample", `has more than ${limits.signalBytes} bytes besides its content`);
  }
  return sample;
}

function checkAttachments({ attachments, stored }: registry.SampleStored): void {
  if (attachments.length > ATTACHMENTS) {
    throw new InvalidField("sample.attachments", `are at most ${ATTACHMENTS}`);
  }
  for (const { name, mediaType } of attachments) checkTexts("sample.attachments.", { name, mediaType });
  const bytes = attachments.reduce((sum, file) => sum + file.bytes, 0n);
  if (attachments.length > 0 && bytes !== stored?.bytes) {
    throw new InvalidField("sample.attachments", "are together what is stored");
  }
}

/** Raises InvalidField. @param folder in which its objects are */
export function checkContent(field: string, stored: registry.UploadStored | undefined, folder: string): void {
  if (stored === undefined) throw new InvalidField(field, "is missing");
  const { bytes, sha256, objects, objectBytes, mediaType } = stored;
  checkTexts(`${field}.`, { mediaType });
  if (sha256.length !== SHA256_BYTES) throw new InvalidField(`${field}.sha256`, `has ${SHA256_BYTES} bytes`);
  if (!objects.every((name) => name.startsWith(folder))) {
    throw new InvalidField(`${field}.objects`, "are elsewhere");
  }
  const sum = objectBytes.reduce((total, some) => total + some, 0n);
  if (objects.length !== objectBytes.length || sum !== bytes) {
    throw new InvalidField(`${field}.objectBytes`, "are those of the objects, and bytes is their sum");
  }
}

/** Raises InvalidField. */
export function checkChange(change: registry.SampleChanged | undefined): registry.SampleChanged {
  if (change === undefined) throw new InvalidField("change", "is missing");
  if (change.category !== undefined) checkOne("category", change.category, CATEGORIES);
  checkTexts("", { label: change.label ?? "", fileName: change.fileName ?? "" });
  checkMetadata("metadata", change.metadata);
  if (toBinary(registry.SampleChangedSchema, change).length > limits.signalBytes) {
    throw new InvalidField("metadata", `has more than ${limits.signalBytes} bytes`);
  }
  return change;
}

function checkMetadata(field: string, metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  if (entries.length > limits.sampleMetadata) {
    throw new InvalidField(field, `has at most ${limits.sampleMetadata} keys`);
  }
  for (const [key, value] of entries) {
    if (key === "") throw new InvalidField(field, "has an empty key");
    checkTexts("", { [field]: key });
    checkTexts("", { [field]: value });
  }
}

export function checkTexts(prefix: string, texts: Readonly<Record<string, string>>): void {
  for (const [field, text] of Object.entries(texts)) {
    // Postgres keeps no text with a NUL in it.
    if (text.length > limits.textLength || text.includes("\u0000")) {
      throw new InvalidField(`${prefix}${field}`, `has at most ${limits.textLength} characters, and no NUL`);
    }
  }
}

function checkOne(field: string, value: string, possible: readonly string[]): void {
  if (!possible.includes(value)) {
    throw new InvalidField(field, `is one of ${possible.filter((one) => one !== "").join(", ")}`);
  }
}
