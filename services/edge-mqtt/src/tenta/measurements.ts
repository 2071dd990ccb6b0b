import type { MeasurementDraft } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { isFields, Malformed, readFields, readRevision, readTimestamp } from "./payload.js";

const FIELDS = new Set(["revision", "timestamp", "value"]);
const LONGEST_KEY = 64;
const WRAPPED_KEY = /^[a-z](_?[a-z])*$/;
const BARE_KEY = /^[a-z0-9](_?[a-z0-9])*$/;

/**
 * One measurement (tenta reference A1.3). A measurement of nothing is refused: the original took it from
 * older clients and lost it afterwards.
 */
export function readMeasurement(element: unknown, wrapped: boolean): MeasurementDraft | Malformed {
  const fields = readFields(element, FIELDS);
  if (fields instanceof Malformed) return fields;
  const occurredAt = readTimestamp(fields["timestamp"], wrapped);
  if (occurredAt instanceof Malformed) return occurredAt;
  const revision = readRevision(fields["revision"]);
  if (revision instanceof Malformed) return revision;
  const value = fields["value"];
  if (!isFields(value)) return new Malformed("value is not an object");
  const attributes = Object.keys(value);
  const wrong = wrongAttributes(attributes, wrapped ? WRAPPED_KEY : BARE_KEY);
  if (wrong !== undefined) return wrong;
  const values: number[] = [];
  for (const attribute of attributes) {
    const one = value[attribute];
    if (typeof one !== "number") return new Malformed(`${attribute} is not a number`);
    if (!Number.isFinite(one)) return new Malformed(`${attribute} is not a finite number`);
    values.push(one);
  }
  return { occurredAt, revision, attributes, values };
}

function wrongAttributes(attributes: readonly string[], pattern: RegExp): Malformed | undefined {
  if (attributes.length === 0) return new Malformed("value has no attributes");
  if (attributes.length > limits.attributesPerMeasurement) {
    return new Malformed(`value has more than ${limits.attributesPerMeasurement} attributes`);
  }
  for (const attribute of attributes) {
    if (attribute.length > LONGEST_KEY || !pattern.test(attribute)) {
      return new Malformed(`value has the attribute ${JSON.stringify(attribute.slice(0, LONGEST_KEY))}`);
    }
  }
  return undefined;
}
