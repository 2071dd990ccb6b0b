import type { Chance } from "../chance.js";

/** Stands in a tree for a text of JSON that JSON.stringify would not write. */
export class Raw {
  constructor(readonly json: string) {}
}

const DEEP = [3, 40, 200, 3_000, 20_000];
const TEXTS = [
  ...[
    "",
    " ",
    "\0",
    "\ud800",
    "\ufffd",
    "😀",
    "a".repeat(300),
    "__proto__",
    "constructor",
    "toString",
    "length",
  ],
  ...[
    "0",
    "-1",
    "1e400",
    "NaN",
    "true",
    "null",
    "../..",
    "%",
    "%00",
    "2026-01-31T12:00:00Z",
    "*",
    "#",
    "+/#",
  ],
];
const NUMBERS = [
  ...[0, -0, 1, -1, 0.1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21],
  ...[Number.MAX_VALUE, Number.MIN_VALUE, -180, 90.000_1],
];
const RAWS = ["1e400", "-1e400", "-0", "1E+2", "123456789012345678901234567890", '{"a":1,"a":2}'];

/** The tree with a part replaced, taken out, put in, or moved. */
export function mutateTree(chance: Chance, tree: unknown, other: unknown): unknown {
  let changed = tree;
  for (let edits = 1 + chance.below(3); edits > 0; edits--) changed = visit(chance, changed, other);
  return changed;
}

/** Goes down to a place, where it changes something. */
function visit(chance: Chance, node: unknown, other: unknown): unknown {
  if (!isBranch(node) || chance.oneIn(4)) return changed(chance, node, other);
  if (Array.isArray(node)) {
    if (node.length === 0 || chance.oneIn(4)) return changedList(chance, node, other);
    const at = chance.below(node.length);
    return node.with(at, visit(chance, node[at], other));
  }
  const entries = Object.entries(node);
  if (entries.length === 0 || chance.oneIn(4)) return changedEntries(chance, entries, other);
  const at = chance.below(entries.length);
  return Object.fromEntries(
    entries.map(([key, value], index) => [key, index === at ? visit(chance, value, other) : value]),
  );
}

function changed(chance: Chance, node: unknown, other: unknown): unknown {
  switch (chance.below(10)) {
    case 0:
      return null;
    case 1:
      return chance.oneIn(2);
    case 2:
      return chance.of(NUMBERS);
    case 3:
      return chance.of(TEXTS);
    case 4:
      return new Raw(chance.of(RAWS));
    case 5:
      return [node];
    case 6:
      return { [chance.of(TEXTS)]: node };
    case 7:
      return deep(chance);
    case 8:
      return partOf(chance, other);
    default:
      return nearby(chance, node);
  }
}

/** A value of the same type. */
function nearby(chance: Chance, node: unknown): unknown {
  if (typeof node === "number") return chance.of([-node, node + 1, node / 2, node * 1e6, Math.round(node)]);
  if (typeof node !== "string") return node;
  const at = chance.below(node.length + 1);
  const insert = chance.oneIn(2) ? chance.of(TEXTS) : String.fromCharCode(chance.below(256));
  return node.slice(0, at) + insert + node.slice(at + chance.below(3));
}

function changedList(chance: Chance, list: readonly unknown[], other: unknown): unknown[] {
  const at = chance.below(list.length + 1);
  switch (chance.below(4)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, partOf(chance, other));
    case 2:
      return Array<unknown>(many(chance)).fill(list[at] ?? null);
    default:
      return list.toSpliced(at, 0, changed(chance, list[at] ?? null, other));
  }
}

function changedEntries(chance: Chance, entries: [string, unknown][], other: unknown): object {
  const at = chance.below(entries.length);
  const [key = "a", value = null] = entries[at] ?? [];
  switch (chance.below(4)) {
    case 0:
      return Object.fromEntries(entries.toSpliced(at, 1));
    case 1:
      return Object.fromEntries(entries.toSpliced(at, 1, [chance.of(TEXTS), value]));
    case 2:
      return Object.fromEntries([...entries, [chance.of(TEXTS), partOf(chance, other)]]);
    default: {
      const others = Array.from({ length: many(chance) }, (_, n) => [`${key}${n}`, value] as const);
      return Object.fromEntries([...entries, ...others]);
    }
  }
}

/** Few, and seldom as many as take long where each is compared with each. */
function many(chance: Chance): number {
  return chance.length(chance.oneIn(40) ? 20_000 : 100);
}

function partOf(chance: Chance, tree: unknown): unknown {
  let node = tree;
  while (isBranch(node) && !chance.oneIn(3)) {
    const values = Object.values(node);
    if (values.length === 0) break;
    node = chance.of(values);
  }
  return node;
}

function deep(chance: Chance): Raw {
  const levels = chance.of(DEEP);
  const [open, close] = chance.of([
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"b":', "}]"],
  ]) as [string, string];
  return new Raw(`${open.repeat(levels)}1${close.repeat(levels)}`);
}

function isBranch(node: unknown): node is object {
  return typeof node === "object" && node !== null && !(node instanceof Raw) && !ArrayBuffer.isView(node);
}

/** The tree as JSON. */
export function jsonText(node: unknown): string {
  if (node instanceof Raw) return node.json;
  if (Array.isArray(node)) return `[${node.map(jsonText).join(",")}]`;
  if (!isBranch(node)) return JSON.stringify(node) ?? "null";
  return `{${Object.entries(node)
    .map(([key, value]) => `${JSON.stringify(key)}:${jsonText(value)}`)
    .join(",")}}`;
}
