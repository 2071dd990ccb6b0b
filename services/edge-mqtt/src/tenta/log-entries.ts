import type { LogEntryDraft } from "@fieldlog/admission";
import { Malformed, readFields, readRevision, readText, readTimestamp } from "./payload.js";

const WRAPPED_FIELDS = new Set(["severity", "revision", "timestamp", "subject", "details"]);
const BARE_FIELDS = new Set(["severity", "revision", "timestamp", "message"]);
const SEVERITIES = new Set<unknown>(["info", "warning", "error"]);
const LONGEST_SUBJECT = 256;
const LONGEST_TEXT = 16_384;

/**
 * One log entry (tenta reference A1.3): of older clients with subject and details, of newer ones with one
 * message; longer texts are cut. `details: null` is as good as none, which the original fails to see.
 */
export function readLogEntry(element: unknown, wrapped: boolean): LogEntryDraft | Malformed {
  const fields = readFields(element, wrapped ? WRAPPED_FIELDS : BARE_FIELDS);
  if (fields instanceof Malformed) return fields;
  const { severity } = fields;
  if (!SEVERITIES.has(severity)) return new Malformed("severity is not one of info, warning, error");
  const occurredAt = readTimestamp(fields["timestamp"], wrapped);
  if (occurredAt instanceof Malformed) return occurredAt;
  const revision = readRevision(fields["revision"]);
  if (revision instanceof Malformed) return revision;
  const message = wrapped
    ? readText(fields["subject"], "subject", LONGEST_SUBJECT)
    : readText(fields["message"], "message", LONGEST_TEXT);
  if (message instanceof Malformed) return message;
  const given = fields["details"] ?? undefined;
  const details = given === undefined ? undefined : readText(given, "details", LONGEST_TEXT);
  if (details instanceof Malformed) return details;
  return { occurredAt, severity: severity as string, revision, message, details, divided: wrapped };
}
