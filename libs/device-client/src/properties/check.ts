import { DeviceClientError } from "../errors.js";
import type { Properties, PropertyValue } from "./merge-patch.js";

const DEEPEST = 10;
const LONGEST_TEXT = 4 * 1024;

/** What the platform refuses (reference B1) is refused here already. Raises DeviceClientError "properties-invalid". */
export function checkProperties(value: unknown): Properties {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("", "must be an object");
  checkObject(value as Properties, "", 1);
  return value as Properties;
}

function check(value: PropertyValue | undefined, path: string, depth: number): void {
  switch (typeof value) {
    case "string":
      if (Buffer.byteLength(value) > LONGEST_TEXT)
        throw invalid(path, `is longer than ${LONGEST_TEXT} bytes`);
      return;
    case "number":
      if (!Number.isFinite(value)) throw invalid(path, "is no finite number");
      return;
    case "boolean":
      return;
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) {
        if (depth > DEEPEST) throw invalid(path, `is deeper than ${DEEPEST}`);
        for (const [index, each] of value.entries()) check(each, `${path}[${index}]`, depth + 1);
        return;
      }
      checkObject(value as Properties, path, depth);
      return;
    default:
      throw invalid(path, "is nothing that JSON has");
  }
}

function checkObject(value: Properties, path: string, depth: number): void {
  if (depth > DEEPEST) throw invalid(path, `is deeper than ${DEEPEST}`);
  for (const [key, each] of Object.entries(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (key === "" || /[.$]/.test(key)) throw invalid(at, "has a key that is empty or holds . or $");
    check(each, at, depth + 1);
  }
}

function invalid(path: string, reason: string): DeviceClientError {
  return new DeviceClientError("properties-invalid", path === "" ? reason : `${path} ${reason}`);
}
