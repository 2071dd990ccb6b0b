import { limits } from "@fieldlog/contracts";
import type { Refusal } from "../studio/refusal.js";

/** Without characters that are no text. */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f]/g, "");
}

/** Numbers and booleans count as text. @param refusal of what is wrong with it */
export function readMetadata(given: object, refusal: (what: string) => Refusal): Record<string, string> {
  const entries = Object.entries(given).filter(([, value]) => value !== null);
  if (entries.length > limits.sampleMetadata) throw refusal(`has more than ${limits.sampleMetadata} keys`);
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (typeof value === "object") throw refusal("has a value that is no text");
      if (key === "" || key.includes("\u0000")) throw refusal("has a key that is no text");
      const text = String(value);
      if (Math.max(key.length, text.length) > limits.textLength || text.includes("\u0000")) {
        throw refusal(`has a text of more than ${limits.textLength} characters, or with a NUL`);
      }
      return [key, text];
    }),
  );
}

/** UTF-8 a byte a character, as answers are written. */
export function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}
