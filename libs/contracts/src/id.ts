import { limits } from "./limits.js";

/** Whether anything can go by that id: from 1 to {@link limits.idLength} characters of Unicode, none of them U+0000. */
export function isId(text: string): boolean {
  return text.length > 0 && text.length <= limits.idLength && text.isWellFormed() && !text.includes("\u0000");
}
