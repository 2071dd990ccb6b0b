// Unambiguous, thus linear however long the text is.
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The finite decimal number that this is or that the text writes; undefined for anything else. */
export function numberOf(held: number | string): number | undefined {
  if (typeof held === "string" && !DECIMAL.test(held)) return undefined;
  const number = Number(held);
  return Number.isFinite(number) ? number : undefined;
}
