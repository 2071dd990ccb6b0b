import { setImmediate } from "node:timers/promises";
import { limits } from "@fieldlog/contracts";
import { CborTokens } from "./cbor-tokens.js";
import { fieldsIn, needed, numberIn, optionalText, textIn } from "./fields.js";
import { JsonTokens } from "./json-tokens.js";
import { type InTurns, InvalidAcquisition, skip, type Tokens } from "./tokens.js";
import { type Reference, rowsBehind, rowsOf, type Shape, shapeOf } from "./values.js";

export interface AcquisitionAxis {
  readonly name: string;
  /** SenML, or whatever the device says. */
  readonly units: string;
}

/** How a document says that it was signed. */
export interface Signed {
  /** "HS256", "none", or what else was said. */
  readonly algorithm: string;
  /** Where the signature stands in the bytes, without quotes. */
  readonly begin: number;
  readonly end: number;
}

/** What a device sampled, as it says it itself. */
export interface Acquisition {
  readonly encoding: "json" | "cbor";
  readonly signed: Signed;
  /** Seconds since 1970 UTC; undefined: the device has no clock. */
  readonly issuedAt: number | undefined;
  /** Its id or name; undefined: it has none of its own. */
  readonly deviceName: string | undefined;
  readonly deviceType: string;
  /** Milliseconds between two rows; 0 of what does not last, such as a picture. */
  readonly intervalMs: number;
  readonly axes: readonly AcquisitionAxis[];
  /** Numbers of each axis. */
  readonly rowCount: number;
  /** Bytes of the document itself; what it refers to stands behind it. */
  readonly documentBytes: number;
  /** Its numbers stand behind it. */
  readonly valuesBehind: boolean;
  /** Files that stand behind it, one after the other; none: it has its numbers itself. */
  readonly files: readonly Reference[];
  /** One number per axis; NaN: missing. A row is overwritten by the next. */
  rows(): Generator<Float64Array, void>;
}

type Encoding = Acquisition["encoding"];

/** What the first byte says; undefined: it can be neither. */
export function encodingOf(bytes: Uint8Array): Encoding | undefined {
  const first = bytes.find((byte) => byte > 0x20) ?? 0;
  if (first === 0x7b) return "json";
  return first >> 5 === 5 && bytes[0] === first ? "cbor" : undefined;
}

/**
 * An acquisition document in JSON or CBOR, told apart by their bytes, with what stands behind it: numbers or files that
 * it refers to. Its values are counted, not kept: {@link Acquisition.rows} reads them again. Raises
 * {@link InvalidAcquisition}: malformed, a field missing, rows of different lengths, or larger than the limits
 * (`acquisitionBytes`, `sampleAxes`, `textLength`). The longest documents take a second: others have their turns meanwhile.
 */
export async function readAcquisition(bytes: Uint8Array): Promise<Acquisition> {
  const work = readInTurns(bytes);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await setImmediate();
  }
}

function* readInTurns(bytes: Uint8Array): InTurns<Acquisition> {
  const encoding = encodingOf(bytes);
  if (encoding === undefined) throw new InvalidAcquisition("is neither JSON nor CBOR");
  if (bytes.length > limits.acquisitionBytes) {
    throw new InvalidAcquisition(`has ${bytes.length} bytes, more than ${limits.acquisitionBytes}`);
  }
  const tokens = tokensIn(encoding, bytes);
  const found = yield* readDocument(tokens);
  const documentBytes = tokens.offset;
  const { shape, ...described } = found.payload;
  if (encoding === "json" && shape.kind === "numbers") checkEnd(bytes, documentBytes);
  const behind = bytes.subarray(documentBytes);
  return {
    ...{ encoding, signed: found.signed, issuedAt: found.issuedAt, ...described, documentBytes },
    valuesBehind: shape.kind === "behind",
    files: shape.kind === "files" ? shape.references : [],
    ...numbersOf(shape, described.axes.length, behind, () =>
      tokensIn(encoding, bytes, found.payload.valuesAt),
    ),
  };
}

function tokensIn(encoding: Encoding, bytes: Uint8Array, offset = 0): Tokens {
  return encoding === "json" ? new JsonTokens(bytes, offset) : new CborTokens(bytes, offset);
}

function checkEnd(bytes: Uint8Array, end: number): void {
  const more = bytes.subarray(end).some((byte) => byte > 0x20);
  if (more) throw new InvalidAcquisition(`goes on behind its end at byte ${end}`);
}

function numbersOf(
  shape: Shape,
  axes: number,
  behind: Uint8Array,
  values: () => Tokens,
): Pick<Acquisition, "rowCount" | "rows"> {
  switch (shape.kind) {
    case "numbers": {
      const { rows: rowCount, width } = shape;
      if (rowCount > 0 && width !== axes) {
        throw new InvalidAcquisition(`has ${width} values in a row, of ${axes} axes`);
      }
      return { rowCount, rows: () => rowsOf(values(), axes) };
    }
    case "behind": {
      const rowCount = Math.floor(behind.length / (shape.format.bytes * axes));
      return { rowCount, rows: () => rowsBehind(behind, shape.format, axes) };
    }
    case "files":
      return { rowCount: 0, *rows() {} };
  }
}

interface Protected {
  readonly algorithm: string;
  readonly issuedAt: number | undefined;
}

interface Payload {
  readonly deviceName: string | undefined;
  readonly deviceType: string;
  readonly intervalMs: number;
  readonly axes: readonly AcquisitionAxis[];
  readonly shape: Shape;
  readonly valuesAt: number;
}

interface Found {
  readonly signed: Signed;
  readonly issuedAt: number | undefined;
  readonly payload: Payload;
}

function* readDocument(tokens: Tokens): InTurns<Found> {
  let head: Protected | undefined;
  let place: { begin: number; end: number } | undefined;
  let payload: Payload | undefined;
  for (const field of fieldsIn(tokens)) {
    if (field === "protected") head = yield* readProtected(tokens);
    else if (field === "payload") payload = yield* readPayload(tokens);
    else if (field === "signature") place = placeOfText(tokens);
    else yield* skip(tokens, tokens.next());
  }
  const { algorithm, issuedAt } = needed(head, "protected");
  const signed = { algorithm, ...needed(place, "signature") };
  return { signed, issuedAt, payload: needed(payload, "payload") };
}

function placeOfText(tokens: Tokens): { begin: number; end: number } {
  if (tokens.next() !== "text") throw new InvalidAcquisition("has a signature that is no text");
  return { begin: tokens.begin, end: tokens.end };
}

function* readProtected(tokens: Tokens): InTurns<Protected> {
  let version: string | undefined;
  let algorithm: string | undefined;
  let issuedAt: number | undefined;
  for (const field of fieldsIn(tokens)) {
    if (field === "ver") version = textIn(tokens, field);
    else if (field === "alg") algorithm = textIn(tokens, field);
    else {
      const token = tokens.next();
      if (field === "iat" && token === "number") issuedAt = tokens.number;
      else yield* skip(tokens, token);
    }
  }
  if (version !== "v1") throw new InvalidAcquisition("is not of version v1");
  return { algorithm: needed(algorithm, "alg"), issuedAt };
}

function* readPayload(tokens: Tokens): InTurns<Payload> {
  let deviceName: string | undefined;
  let deviceType: string | undefined;
  let intervalMs: number | undefined;
  let axes: AcquisitionAxis[] | undefined;
  let shape: Shape | undefined;
  let valuesAt = 0;
  for (const field of fieldsIn(tokens)) {
    if (field === "device_name") deviceName = optionalText(tokens, field);
    else if (field === "device_type") deviceType = textIn(tokens, field);
    else if (field === "interval_ms") intervalMs = numberIn(tokens, field);
    else if (field === "sensors") axes = yield* readAxes(tokens);
    else if (field === "values") {
      valuesAt = tokens.offset;
      shape = yield* shapeOf(tokens);
    } else yield* skip(tokens, tokens.next());
  }
  return {
    ...{ deviceName, deviceType: needed(deviceType, "device_type") },
    intervalMs: needed(intervalMs, "interval_ms"),
    axes: needed(axes, "sensors"),
    ...{ shape: needed(shape, "values"), valuesAt },
  };
}

function* readAxes(tokens: Tokens): InTurns<AcquisitionAxis[]> {
  if (tokens.next() !== "array") throw new InvalidAcquisition("has sensors that are no list");
  const axes: AcquisitionAxis[] = [];
  for (let token = tokens.next(); token !== "end"; token = tokens.next()) {
    if (axes.length === limits.sampleAxes) {
      throw new InvalidAcquisition(`has more than ${limits.sampleAxes} sensors`);
    }
    let name: string | undefined;
    let units: string | undefined;
    for (const field of fieldsIn(tokens, token)) {
      if (field === "name") name = textIn(tokens, field);
      else if (field === "units") units = optionalText(tokens, field);
      else yield* skip(tokens, tokens.next());
    }
    axes.push({ name: needed(name, "sensors.name"), units: units ?? "" });
  }
  if (axes.length === 0) throw new InvalidAcquisition("has no sensors");
  return axes;
}
