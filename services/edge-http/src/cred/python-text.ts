import { limits } from "@fieldlog/contracts";
import { refusals } from "./refusal.js";

// B5: cred casts values with Python's str(), and its clients compare the texts.

/** A JSON number as it was written: Python tells 25 from 25.0. */
class NumberText {
  constructor(readonly source: string) {}
}

/** JSON whose numbers are {@link NumberText}s. Raises SyntaxError, RangeError. */
export function parseKeepingNumbers(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source: string }) =>
    typeof value === "number" ? new NumberText(context?.source ?? String(value)) : value,
  );
}

/** What Python's str() makes of a JSON value. Raises Refusal 400 for what is too deep. */
export function pythonText(value: unknown): string {
  return typeof value === "string" ? value : literal(value, 0);
}

function literal(value: unknown, depth: number): string {
  if (depth > limits.eventDataDepth) throw refusals.invalid("A value is nested too deeply.");
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return quoted(value);
  if (value instanceof NumberText) return numberText(value.source);
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, depth + 1)).join(", ")}]`;
  const members = Object.entries(value as object).map(
    ([name, member]) => `${quoted(name)}: ${literal(member, depth + 1)}`,
  );
  return `{${members.join(", ")}}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
  const escaped = text.replaceAll(/[\\'\u0000-\u001f\u007f]/g, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `${quote}${escaped}${quote}`;
}

function numberText(source: string): string {
  if (/^-?\d+$/.test(source)) return source === "-0" ? "0" : source;
  const value = Number(source);
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const text = exponent < 0 ? positional(digits, -exponent) : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** Of a number below 1; JavaScript writes the smallest ones of these with an exponent. */
function positional(digits: string, zeros: number): string {
  const sign = digits.startsWith("-") ? "-" : "";
  return `${sign}0.${"0".repeat(zeros - 1)}${digits.replaceAll(/[-.]/g, "")}`;
}
