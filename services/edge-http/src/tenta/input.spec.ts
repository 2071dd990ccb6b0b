import { describe, expect, it } from "vitest";
import {
  Credentials,
  Name,
  NewNetwork,
  Nothing,
  readConfiguration,
  readCursor,
  readFields,
  readFlag,
  readPath,
  readQuery,
} from "./input.js";
import { Refusal } from "./refusal.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const refused = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    return error instanceof Refusal && error.status === 400;
  }
  return false;
};

describe("a name", () => {
  it.each(["x", "x-x", "x".repeat(64), "12345678", "un1c0rn", "a-b-c"])("may be %s", (name) => {
    expect(Name.safeParse(name).success).toBe(true);
  });

  it.each([
    ...[
      "",
      "-",
      "x-",
      "-x",
      "x--x",
      "x_x",
      "xxx?x",
      "x".repeat(65),
      "X",
      "x\n",
      "x ",
      "☃",
      "🦄",
      "名前",
      '"x"',
      "'x'",
    ],
    ...[7, null, true, ["x"], undefined],
  ])("is not %j", (name) => {
    expect(Name.safeParse(name).success).toBe(false);
  });
});

describe("a body", () => {
  const log = (password: unknown, more = {}) =>
    bytes(JSON.stringify({ user_name: "ash", password, ...more }));

  it("has a password of 8 to 256 characters, of whatever kind", () => {
    for (const good of ["12345678", "x".repeat(256), "🦄".repeat(8), "🦄".repeat(256), " ".repeat(8)]) {
      expect(readFields(Credentials, log(good))).toEqual({ user_name: "ash", password: good });
    }
    for (const bad of [
      "1234567",
      "x".repeat(257),
      "🦄".repeat(7),
      "🦄".repeat(257),
      "\ud800".repeat(8),
      12345678,
      null,
    ]) {
      expect(refused(() => readFields(Credentials, log(bad)))).toBe(true);
    }
  });

  it("has every field, none other, and each of its type", () => {
    expect(refused(() => readFields(Credentials, log("12345678", { more: 1 })))).toBe(true);
    expect(refused(() => readFields(NewNetwork, bytes("{}")))).toBe(true);
    expect(refused(() => readFields(NewNetwork, bytes("[]")))).toBe(true);
    expect(refused(() => readFields(NewNetwork, bytes('"x"')))).toBe(true);
    expect(refused(() => readFields(NewNetwork, bytes('{"network_name":7}')))).toBe(true);
  });

  it("is JSON in UTF-8; none at all is an empty object", () => {
    expect(readFields(Nothing, bytes(""))).toEqual({});
    expect(readFields(Nothing, bytes("{}"))).toEqual({});
    for (const bad of [
      bytes("{"),
      bytes("{'a':1}"),
      bytes("NaN"),
      bytes(" "),
      new Uint8Array([0x22, 0xff, 0x22]),
    ]) {
      expect(refused(() => readFields(Nothing, bad))).toBe(true);
    }
    expect(refused(() => readFields(Nothing, bytes('{"a":1}')))).toBe(true);
  });

  it("says which field is wrong", () => {
    expect(() => readFields(NewNetwork, bytes('{"network_name":"X","nam":1}'))).toThrow(/network_name.*nam/);
  });
});

describe("a configuration", () => {
  it("is any object, and keeps every digit", () => {
    for (const text of ["{}", '{"a":{"b":[1,null,{"c":[]}]}}', '{"big":12345678901234567890,"one":1.0}']) {
      expect(readConfiguration(bytes(text))).toBe(text);
    }
    expect(readConfiguration(bytes(""))).toBe("{}");
    expect(readConfiguration(bytes(' {"a":1}\n'))).toBe('{"a":1}');
  });

  it("is no list, no number, nothing else", () => {
    for (const text of ["[]", "[1]", "7", "null", '"x"', "true", "{", '{"a":NaN}']) {
      expect(refused(() => readConfiguration(bytes(text)))).toBe(true);
    }
  });
});

describe("an identifier in the path", () => {
  const id = "81bf7042-e20f-4a97-ac44-c15853e3618f";

  it("is a UUID of version 4, or 8, in small letters", () => {
    expect(refused(() => readPath({ network_identifier: id }))).toBe(false);
    expect(refused(() => readPath({ network_identifier: id.replace("-4", "-8") }))).toBe(false);
    for (const bad of [
      id.toUpperCase(),
      id.replace("-4", "-1"),
      id.replace("-a", "-7"),
      `${id}0`,
      `${id}\n`,
      "x",
      "",
    ]) {
      expect(refused(() => readPath({ sensor_identifier: bad }))).toBe(true);
    }
  });

  it("is a name where it is a user's", () => {
    expect(refused(() => readPath({ user_name: "ash" }))).toBe(false);
    expect(refused(() => readPath({ user_name: "Ash" }))).toBe(true);
  });
});

describe("a query", () => {
  const revision = (query: string) =>
    readCursor(readQuery(`/x?${query}`, ["direction", "revision"]), "revision");
  const time = (query: string) =>
    readCursor(readQuery(`/x?${query}`, ["direction", "creation_timestamp"]), "creation_timestamp");

  it("may be absent", () => {
    expect(readCursor(readQuery("/x", []), "revision")).toEqual({ previous: false, at: undefined });
  });

  it("has no keys that nobody knows", () => {
    expect(refused(() => readQuery("/x?revision=1", []))).toBe(true);
    expect(refused(() => readQuery("/x?limit=1", ["direction"]))).toBe(true);
    expect(refused(() => readQuery("/x?direction=next", ["direction"]))).toBe(false);
  });

  it("goes one way or the other", () => {
    expect(revision("direction=previous")).toEqual({ previous: true, at: undefined });
    expect(revision("direction=previous&direction=next")).toEqual({ previous: false, at: undefined });
    for (const bad of ["direction=", "direction=Next", "direction=up"])
      expect(refused(() => revision(bad))).toBe(true);
  });

  it.each([
    ["0", 0],
    ["7", 7],
    ["1.0", 1],
    ["%201%20", 1],
    ["1_000", 1000],
    ["007", 7],
    ["%2B3", 3],
    ["99999999999999999999", 0xffff_ffff],
  ])("has a revision: %s", (given, at) => {
    expect(revision(`revision=${given}`).at).toBe(at);
  });

  it.each(["", "x", "1.5", "-1", "1e3", "0x10", "1__0", "nan", "true"])("has no revision: %j", (given) => {
    expect(refused(() => revision(`revision=${given}`))).toBe(true);
  });

  it.each([
    ["0", 0],
    ["-7200.5", -7200.5],
    ["1683645000.0", 1683645000],
    ["1e3", 1000],
    [".5", 0.5],
    ["5.", 5],
    ["inf", Number.MAX_VALUE],
    ["-Infinity", -Number.MAX_VALUE],
    ["1e999", Number.MAX_VALUE],
  ])("has a time: %s", (given, at) => {
    expect(time(`creation_timestamp=${given}`).at).toBe(at);
  });

  it.each(["", "x", "nan", "NaN", "1.2.3", "0x10", "true", "."])("has no time: %j", (given) => {
    expect(refused(() => time(`creation_timestamp=${given}`))).toBe(true);
  });

  it("has no time that takes the square of its length to see", () => {
    expect(refused(() => time(`creation_timestamp=${"1".repeat(400_000)}x`))).toBe(true);
  });

  it("has flags in many words", () => {
    const flag = (value: string) => readFlag(readQuery(`/x?aggregate=${value}`, ["aggregate"]), "aggregate");
    for (const yes of ["true", "True", "1", "yes", "on", "t", "y"]) expect(flag(yes)).toBe(true);
    for (const no of ["false", "0", "no", "OFF", "f", "n"]) expect(flag(no)).toBe(false);
    for (const bad of ["", "2", "maybe"]) expect(refused(() => flag(bad))).toBe(true);
    expect(readFlag(new Map(), "aggregate")).toBe(false);
  });
});
