import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";

/** A string as JSON has it (kept), or the space between tokens (dropped). */
const STRING_OR_SPACE = /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g;
const STRING_OR_BRACKET = /"[^"\\]*(?:\\.[^"\\]*)*"|[[{]|[\]}]/g;

/**
 * A JSON object in the words of its sender, without the space between them: numbers keep every digit that they
 * came with, and keys their order. Raises InvalidField if it is none, is larger than
 * {@link limits.configurationBytes} or nested deeper than {@link limits.configurationDepth}.
 */
export function jsonObject(text: string, field: string): string {
  if (text.length > 4 * limits.configurationBytes) throw tooLarge(field);
  const value = parsed(text, field);
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidField(field, "is no JSON object");
  }
  const compact = text.replace(STRING_OR_SPACE, "$1");
  if (Buffer.byteLength(compact) > limits.configurationBytes) throw tooLarge(field);
  if (depth(compact) > limits.configurationDepth) {
    throw new InvalidField(field, `is nested deeper than ${limits.configurationDepth}`);
  }
  return compact;
}

function parsed(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidField(field, "is no JSON");
  }
}

function tooLarge(field: string): InvalidField {
  return new InvalidField(field, `has more than ${limits.configurationBytes} bytes`);
}

/** Of objects and arrays in each other; 1: one that holds none. */
function depth(json: string): number {
  let open = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(STRING_OR_BRACKET)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++open);
    else if (token === "}" || token === "]") open--;
  }
  return deepest;
}
