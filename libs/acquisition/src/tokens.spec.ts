import { encode } from "cborg";
import fc from "fast-check";
import { expect, it } from "vitest";
import { CborTokens } from "./cbor-tokens.js";
import { JsonTokens } from "./json-tokens.js";
import { InvalidAcquisition, skip, type Tokens } from "./tokens.js";

function skipAll(tokens: Tokens): void {
  for (const _ of skip(tokens, tokens.next()));
}

/** Makes of tokens what they stand for. */
function readValue(tokens: Tokens, token = tokens.next()): unknown {
  switch (token) {
    case "map": {
      const fields: [string, unknown][] = [];
      for (let key = tokens.next(); key !== "end"; key = tokens.next()) {
        fields.push([tokens.text(10_000), readValue(tokens)]);
      }
      return Object.fromEntries(fields);
    }
    case "array": {
      const elements: unknown[] = [];
      for (let next = tokens.next(); next !== "end"; next = tokens.next())
        elements.push(readValue(tokens, next));
      return elements;
    }
    case "text":
      return tokens.text(10_000);
    case "number":
      return tokens.number;
    case "null":
      return null;
    default:
      return "other";
  }
}

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

it("JSON is read as JSON.parse reads it, with any white space", () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const bytes = Buffer.from(` ${JSON.stringify(value, undefined, indent)}\n`);
      const tokens = new JsonTokens(bytes);
      expect(readValue(tokens)).toEqual(JSON.parse(bytes.toString()));
      const skipping = new JsonTokens(bytes);
      skipAll(skipping);
      expect(skipping.offset).toBe(tokens.offset);
    }),
  );
});

it("CBOR is read as another library writes it", () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encode(value);
      const tokens = new CborTokens(bytes);
      expect(readValue(tokens)).toEqual(value);
      expect(tokens.offset).toBe(bytes.length);
    }),
  );
});

it("CBOR of unknown lengths, with halves, tags and bytes is read", () => {
  const bytes = Buffer.from("bf61619ff93d00f9fc00f90001c11a5d3add3d420102f7e0f820ff6162bfffff", "hex");
  expect(readValue(new CborTokens(bytes))).toEqual({
    a: [1.25, Number.NEGATIVE_INFINITY, 2 ** -24, 1_564_138_813, "other", null, "other", "other"],
    b: {},
  });
});

it("whatever the bytes are, they are read or refused, and nothing else happens", () => {
  const attempt = (tokens: Tokens) => {
    try {
      skipAll(tokens);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidAcquisition);
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      attempt(new CborTokens(bytes));
      attempt(new JsonTokens(bytes));
    }),
    { numRuns: 2_000 },
  );
  const jsonLike = fc.array(fc.constantFrom(...'{}[]",:0-9.eE+ntfalse\\u\n ', "true", "null"), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(jsonLike, (parts) => {
      const text = parts.join("");
      let parsed: unknown;
      let good = true;
      try {
        parsed = JSON.parse(text);
      } catch {
        good = false;
      }
      const tokens = new JsonTokens(Buffer.from(text));
      if (good) expect(JSON.stringify(readValue(tokens))).toBe(JSON.stringify(withoutWords(parsed)));
      else attempt(tokens);
    }),
    { numRuns: 2_000 },
  );
});

function withoutWords(value: unknown): unknown {
  if (typeof value === "boolean") return "other";
  if (Array.isArray(value)) return value.map(withoutWords);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutWords(inner)]));
}
