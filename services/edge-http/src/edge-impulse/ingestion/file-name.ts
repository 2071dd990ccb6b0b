import { randomInt } from "node:crypto";
import { extensionOf } from "./media.js";
import { clean } from "./text.js";

const LONGEST = 255;
const RANDOM = 36 ** 5;
/** Characters of an id and of what says of what kind a file is. */
const OF_ID = 30;

/** A name as it is stored: without folders and what is no text; never empty. */
export function storedName(given: string): string {
  const name = clean(given).split(/[/\\]/).at(-1)?.trim().slice(0, LONGEST) ?? "";
  return name === "" || /^\.+$/.test(name) ? "sample" : name;
}

/** A name that no other has: with the time and some more in it, before what says of what kind it is. */
export function withId(name: string, now: number): string {
  const id = `${now.toString(36)}${randomInt(RANDOM).toString(36).padStart(5, "0")}`;
  const begin = extensionOf(name) === "" ? name.length : name.lastIndexOf(".");
  return `${name.slice(0, Math.min(begin, LONGEST - OF_ID))}.${id}${name.slice(begin)}`;
}
