import { styleText } from "node:util";

/** Characters that are shown of JSON which a device or an operator wrote. */
export const SHOWN = 4_000;

/**
 * Text that a device or a person sent, fit for a terminal: control characters, which could move the cursor
 * or set its title, are shown as U+FFFD; at most `limit` characters.
 */
export function clean(value: unknown, limit = 200): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return shown.length > limit ? `${shown.slice(0, limit - 1)}…` : shown;
}

/** 1234567 as "1,234,567"; nothing for nothing. */
export function count(value: number | undefined | null): string {
  return value === undefined || value === null ? "" : value.toLocaleString("en-US");
}

/** An RFC 3339 time as "2026-05-01 12:30:05Z"; nothing for nothing. */
export function time(value: string | undefined | null): string {
  const ms = value ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) return clean(value);
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** How long before `now` (ms) a time was: "12 s ago"; "never" for nothing. */
export function ago(value: string | undefined | null, now: number): string {
  const ms = value ? now - Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) return "never";
  const s = Math.max(0, ms / 1000);
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} days ago`;
}

/** Milliseconds as "45 s" or "3 min 20 s". */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

export type Paint = (style: "bold" | "dim" | "green" | "yellow" | "red", text: string) => string;

/** Colours where a person reads, unless NO_COLOR says otherwise. */
export function painter(terminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const colours = terminal && !env["NO_COLOR"];
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}
