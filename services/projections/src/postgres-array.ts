// Arrays as Postgres reads them (PostgreSQL documentation, "Array Input and Output Syntax"). The driver makes
// them too, but escapes each element, which was the largest part of what a pull's statement cost.

const TO_ESCAPE = /["\\]/;

export function textArray(texts: readonly string[]): string {
  if (texts.length === 0) return "{}";
  let array = `{"${element(texts[0] as string)}`;
  for (let i = 1; i < texts.length; i++) array += `","${element(texts[i] as string)}`;
  return `${array}"}`;
}

function element(text: string): string {
  return TO_ESCAPE.test(text) ? text.replace(/["\\]/g, "\\$&") : text;
}

export function numberArray(numbers: readonly number[]): string {
  return `{${numbers.join(",")}}`;
}
