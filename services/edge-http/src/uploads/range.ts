/** A stretch of bytes: from the one at `from` up to, and without, the one at `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * What a Range header (RFC 9110, 14.2) asks for of so many bytes; undefined: everything, as of a header that is not
 * understood, or asks for several ranges. "unsatisfiable": nothing of it is there.
 */
export function rangeOf(header: string | undefined, bytes: number): Stretch | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const length = Math.min(bytes, Number(last));
    return length === 0 ? "unsatisfiable" : { from: bytes - length, to: bytes };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return undefined;
  if (from >= bytes) return "unsatisfiable";
  return { from, to: last === "" ? bytes : Math.min(bytes, Number(last) + 1) };
}
