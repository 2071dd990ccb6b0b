import { limits } from "@fieldlog/contracts";

/** Whether anything can go by that id at all. */
export function isId(text: string): boolean {
  return text.length > 0 && text.length <= limits.idLength && !text.includes("\u0000");
}
