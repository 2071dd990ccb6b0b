import type { AcknowledgmentDraft } from "@fieldlog/admission";
import { Malformed, readFields, readRevision, readTimestamp } from "./payload.js";

const FIELDS = new Set(["revision", "timestamp", "success"]);

/** What a device says of one revision of its configuration (tenta reference A1.3). */
export function readAcknowledgment(element: unknown, wrapped: boolean): AcknowledgmentDraft | Malformed {
  const fields = readFields(element, FIELDS);
  if (fields instanceof Malformed) return fields;
  const revision = readRevision(fields["revision"]);
  if (revision instanceof Malformed) return revision;
  if (revision === undefined) return new Malformed("revision is missing");
  const { success } = fields;
  if (typeof success !== "boolean") return new Malformed("success is not true or false");
  const occurredAt = readTimestamp(fields["timestamp"], wrapped);
  if (occurredAt instanceof Malformed) return occurredAt;
  return { revision, success, occurredAt };
}
