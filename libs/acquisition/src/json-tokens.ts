import { decodeText, InvalidAcquisition, MOST_DEPTH, type Token, type Tokens } from "./tokens.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
/** Characters of the longest number: one that is longer says nothing more. */
const LONGEST_NUMBER = 400;
/** By their first letter. */
const WORDS = new Map<number, readonly [word: string, token: Token]>([
  [0x6e, ["null", "null"]],
  [0x74, ["true", "other"]],
  [0x66, ["false", "other"]],
]);

/** What may stand next. */
type Expected = "value" | "first" | "key" | "after" | "nothing";

/** JSON (RFC 8259). */
export class JsonTokens implements Tokens {
  begin = 0;
  end = 0;
  private numberBegin = 0;
  private numberEnd = 0;
  private expected: Expected = "value";
  /** The open maps and arrays: whether each is a map. */
  private readonly open: boolean[] = [];

  private readonly bytes: Buffer;

  constructor(
    bytes: Uint8Array,
    public offset = 0,
  ) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): Token {
    const char = this.char();
    const inMap = this.open.at(-1) === true;
    if (
      char === (inMap ? CLOSE_MAP : CLOSE_ARRAY) &&
      (this.expected === "first" || this.expected === "after")
    ) {
      if (this.open.length > 0) return this.close();
    }
    if (this.expected === "after") return this.afterComma(char, inMap);
    return this.expected === "key" || (this.expected === "first" && inMap)
      ? this.key(char)
      : this.value(char);
  }

  get number(): number {
    return Number(this.bytes.toString("latin1", this.numberBegin, this.numberEnd));
  }

  text(most: number): string {
    const bytes = this.bytes.subarray(this.begin, this.end);
    const text = decodeText(bytes, most);
    if (!bytes.includes(BACKSLASH)) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch (cause) {
      throw new InvalidAcquisition("has a text that is not JSON", cause);
    }
  }

  private afterComma(char: number, inMap: boolean): Token {
    if (char !== COMMA) throw this.unexpected();
    this.offset++;
    return inMap ? this.key(this.char()) : this.value(this.char());
  }

  private key(char: number): Token {
    if (char !== QUOTE) throw this.unexpected();
    this.string();
    if (this.char() !== COLON) throw this.unexpected();
    this.offset++;
    this.expected = "value";
    return "text";
  }

  private value(char: number): Token {
    switch (char) {
      case OPEN_MAP:
      case OPEN_ARRAY:
        return this.enter(char === OPEN_MAP);
      case QUOTE:
        this.string();
        this.done();
        return "text";
      default:
        return this.word(char) ?? this.digits();
    }
  }

  private enter(map: boolean): Token {
    if (this.open.length >= MOST_DEPTH) throw new InvalidAcquisition("is nested too deeply");
    this.offset++;
    this.open.push(map);
    this.expected = "first";
    return map ? "map" : "array";
  }

  private close(): Token {
    this.offset++;
    this.open.pop();
    this.done();
    return "end";
  }

  private done(): void {
    this.expected = this.open.length === 0 ? "nothing" : "after";
  }

  private string(): void {
    const { bytes } = this;
    this.begin = ++this.offset;
    for (let at = this.begin; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === BACKSLASH) at++;
      else if (byte < 0x20) break;
      else if (byte === QUOTE) {
        this.end = at;
        this.offset = at + 1;
        return;
      }
    }
    throw new InvalidAcquisition("has a text without an end");
  }

  private word(char: number): Token | undefined {
    const found = WORDS.get(char);
    if (found === undefined) return undefined;
    const [word, token] = found;
    const end = this.offset + word.length;
    if (this.bytes.toString("latin1", this.offset, end) !== word) throw this.unexpected();
    this.offset = end;
    this.done();
    return token;
  }

  /** What it amounts to is worked out when somebody asks: whoever counts does not. */
  private digits(): Token {
    const { bytes } = this;
    this.numberBegin = this.offset;
    let at = this.offset + (bytes[this.offset] === MINUS ? 1 : 0);
    at = bytes[at] === ZERO ? at + 1 : this.afterDigits(at);
    if (bytes[at] === POINT) at = this.afterDigits(at + 1);
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      const sign = bytes[at + 1];
      at = this.afterDigits(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
    }
    if (at - this.offset > LONGEST_NUMBER) throw this.unexpected();
    this.offset = at;
    this.numberEnd = at;
    this.done();
    return "number";
  }

  /** Raises if there is none. */
  private afterDigits(from: number): number {
    const { bytes } = this;
    let at = from;
    for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= 0x39; byte = bytes[++at]);
    if (at === from) throw this.unexpected();
    return at;
  }

  /** The next byte that is no white space. */
  private char(): number {
    const { bytes } = this;
    if (this.expected === "nothing") throw new InvalidAcquisition("has ended");
    for (; this.offset < bytes.length; this.offset++) {
      const byte = bytes[this.offset] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    throw new InvalidAcquisition("breaks off");
  }

  private unexpected(): InvalidAcquisition {
    return new InvalidAcquisition(`is not JSON at byte ${this.offset}`);
  }
}
