import { decode, encode } from "cborg";
import type { Chance } from "../chance.js";
import type { Shape } from "../target.js";
import { type Around, grown, mutateBytes } from "./bytes.js";
import { mutateFields } from "./fields.js";
import { jsonText, mutateTree, Raw } from "./tree.js";

/** Large inputs are made that seldom: one takes as long as some hundred others, but where not many bytes are allowed. */
const GROWN_ONE_IN = 250;
const SMALL_ONE_IN = 40;
const SMALL_BYTES = 64 * 1024;
/** What is well-formed gets further, what is not goes where nobody thought of. */
const RAW_ONE_IN = 4;

/** Another input, made of this one. */
export function mutate(
  chance: Chance,
  input: Uint8Array,
  around: Around,
  { shape, mostBytes }: { readonly shape: Shape; readonly mostBytes: number },
): Uint8Array {
  if (chance.oneIn(mostBytes > SMALL_BYTES ? GROWN_ONE_IN : SMALL_ONE_IN))
    return grown(chance, input, mostBytes);
  const well = chance.oneIn(RAW_ONE_IN) ? undefined : wellFormed(chance, input, around, shape);
  return (well ?? mutateBytes(chance, input, around)).subarray(0, mostBytes);
}

function wellFormed(chance: Chance, input: Uint8Array, around: Around, shape: Shape): Uint8Array | undefined {
  if (shape === "protobuf") return mutateFields(chance, input, around);
  if (shape === "json")
    return ofTrees(chance, input, around, readJson, (tree) => Buffer.from(jsonText(tree)));
  if (shape === "cbor") return ofTrees(chance, input, around, readCbor, writeCbor);
  return undefined;
}

function ofTrees(
  chance: Chance,
  input: Uint8Array,
  { other }: Around,
  read: (bytes: Uint8Array) => unknown,
  write: (tree: unknown) => Uint8Array,
): Uint8Array | undefined {
  try {
    return write(mutateTree(chance, read(input), read(other)));
  } catch {
    return undefined;
  }
}

const readJson = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const readCbor = (bytes: Uint8Array): unknown => decode(bytes, { useMaps: false });

/** What JSON has no words for, stands where JSON's own words would. */
function writeCbor(tree: unknown): Uint8Array {
  const others = [10n ** 18n, Number.NaN, Number.NEGATIVE_INFINITY, new Uint8Array(3), undefined];
  const replaced = (node: unknown): unknown => {
    if (node instanceof Raw) return others[node.json.length % others.length];
    if (Array.isArray(node)) return node.map(replaced);
    if (typeof node !== "object" || node === null || ArrayBuffer.isView(node)) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, replaced(value)]));
  };
  return encode(replaced(tree));
}
