import { decode } from "cborg";

/**
 * CBOR (RFC 8949) as JSON would have it: maps as objects, and integers beyond 2^53 as the nearest number, for what is said
 * is handed on as JSON. Raises an Error for what is no CBOR, or nested too deeply.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  return rounded(decode(bytes, { useMaps: false }));
}

function rounded(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const inside = value as Record<string, unknown>;
  for (const key of Object.keys(inside)) {
    const one = inside[key];
    if (typeof one === "bigint") inside[key] = Number(one);
    else if (typeof one === "object") rounded(one);
  }
  return value;
}
