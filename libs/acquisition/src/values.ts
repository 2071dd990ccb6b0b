import { type InTurns, InvalidAcquisition, type Token, type Tokens, TURN_TOKENS } from "./tokens.js";

/** How numbers stand behind a document, little-endian. */
export interface NumberFormat {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
}

const FORMATS: ReadonlyMap<string, NumberFormat> = new Map([
  ["u8", { bytes: 1, read: (view, at) => view.getUint8(at) }],
  ["i8", { bytes: 1, read: (view, at) => view.getInt8(at) }],
  ["u16", { bytes: 2, read: (view, at) => view.getUint16(at, true) }],
  ["i16", { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
  ["u32", { bytes: 4, read: (view, at) => view.getUint32(at, true) }],
  ["i32", { bytes: 4, read: (view, at) => view.getInt32(at, true) }],
  ["f32", { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
  ["f64", { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
] satisfies [string, NumberFormat][]);

/** What a document says of a file that comes with it. Who sent it may have made it up. */
export interface Reference {
  readonly mediaType: string;
  /** undefined: not said. */
  readonly bytes: number | undefined;
}

/** What `values` is. */
export type Shape =
  /** Rows of one number per axis, or numbers alone (of one axis). `width` 0: there are none. */
  | { readonly kind: "numbers"; readonly rows: number; readonly width: number }
  /** The numbers stand behind the document. */
  | { readonly kind: "behind"; readonly format: NumberFormat }
  | { readonly kind: "files"; readonly references: readonly Reference[] };

const MOST_REFERENCES = 64;
const LONGEST_REFERENCE = 512;
const REFERENCE = /^Ref-BINARY-(\S+)(?:\s+\((\d{1,15}) bytes\))?(?:\s+\S*)?\s*$/i;

/** Reads `values`, of which it keeps nothing. Raises {@link InvalidAcquisition}. */
export function* shapeOf(tokens: Tokens): InTurns<Shape> {
  const first = tokens.next();
  if (first === "text") return referred([tokens.text(LONGEST_REFERENCE)]);
  if (first !== "array") throw new InvalidAcquisition("has values that are no list");
  const texts: string[] = [];
  let rows = 0;
  let width = 0;
  let count = 0;
  for (let token = tokens.next(); token !== "end"; token = tokens.next()) {
    count += 1 + width;
    if (count > TURN_TOKENS) {
      yield;
      count = 0;
    }
    if (token === "text") {
      if (texts.length === MOST_REFERENCES) throw new InvalidAcquisition("refers to too many files");
      texts.push(tokens.text(LONGEST_REFERENCE));
      continue;
    }
    const own = yield* widthOf(tokens, token);
    if (rows++ > 0 && own !== width)
      throw new InvalidAcquisition(`has ${own} values in row ${rows}, not ${width}`);
    width = own;
  }
  if (texts.length === 0) return { kind: "numbers", rows, width };
  if (rows > 0) throw new InvalidAcquisition("has numbers and texts among its values");
  return referred(texts);
}

function* widthOf(tokens: Tokens, token: Token): InTurns<number> {
  if (token === "number" || token === "null") return 1;
  if (token !== "array") throw new InvalidAcquisition("has a value that is no number");
  let width = 0;
  for (let inner = tokens.next(); inner !== "end"; inner = tokens.next()) {
    if (inner !== "number" && inner !== "null") throw new InvalidAcquisition("has a value that is no number");
    if (++width % TURN_TOKENS === 0) yield;
  }
  return width;
}

function referred(texts: readonly string[]): Shape {
  const references = texts.map((text) => {
    const [, type = "", bytes] = REFERENCE.exec(text) ?? [];
    if (type === "") throw new InvalidAcquisition("refers to something else than Ref-BINARY");
    return { mediaType: type.toLowerCase(), bytes: bytes === undefined ? undefined : Number(bytes) };
  });
  const format = FORMATS.get(references[0]?.mediaType ?? "");
  return format === undefined ? { kind: "files", references } : { kind: "behind", format };
}

/** The numbers of a list that {@link shapeOf} has found good, a row at a time; each is overwritten by the next. */
export function* rowsOf(tokens: Tokens, width: number): Generator<Float64Array, void> {
  const row = new Float64Array(width);
  tokens.next();
  for (let token = tokens.next(); token !== "end"; token = tokens.next()) {
    if (token !== "array") row[0] = numberOf(tokens, token);
    else for (let axis = 0; axis < width; axis++) row[axis] = numberOf(tokens, tokens.next());
    if (token === "array") tokens.next();
    yield row;
  }
}

/** What is missing is not a number. */
function numberOf(tokens: Tokens, token: Token): number {
  return token === "number" ? tokens.number : Number.NaN;
}

/** The numbers behind a document; bytes that are no whole row are left out. Each row is overwritten by the next. */
export function* rowsBehind(
  bytes: Uint8Array,
  { read, bytes: size }: NumberFormat,
  width: number,
): Generator<Float64Array, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const row = new Float64Array(width);
  const rowBytes = size * width;
  for (let at = 0; at + rowBytes <= bytes.length; at += rowBytes) {
    for (let axis = 0; axis < width; axis++) row[axis] = read(view, at + axis * size);
    yield row;
  }
}
