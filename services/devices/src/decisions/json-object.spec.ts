import { limits } from "@fieldlog/contracts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonObject } from "./json-object.js";

const refused = (text: string) => {
  try {
    jsonObject(text, "value_json");
  } catch (error) {
    return (error as { reason?: string }).reason;
  }
  return undefined;
};

test("what it says stays what it says, without the space between", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(4), (value, indent) => {
      const kept = jsonObject(JSON.stringify(value, null, indent), "value_json");
      expect(JSON.parse(kept)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(kept).toBe(JSON.stringify(value));
    }),
  );
});

test("numbers keep every digit, keys their order, texts their spaces", () => {
  const sent = ' {\n "z" : 12345678901234567890.10 ,\t"a":[ 1.0, 1e3 ],"t":" \\" { \\\\" ,"e":{ } }\r\n';
  expect(jsonObject(sent, "value_json")).toBe(
    '{"z":12345678901234567890.10,"a":[1.0,1e3],"t":" \\" { \\\\","e":{}}',
  );
});

test.each(["", "[]", "null", "1", '"a"', "true"])("refuses what is no object: %j", (text) => {
  expect(refused(text)).toMatch(/is no JSON/);
});

test.each(["{", "{a:1}", '{"a":1,}', "{}{}", '{"a":\u00a01}', "{'a':1}", '{"a":NaN}'])(
  "refuses what is no JSON: %j",
  (text) => expect(refused(text)).toBe("is no JSON"),
);

test("is bounded by its bytes as kept, and by its depth", () => {
  const filled = (bytes: number) => `{"a":"${"é".repeat((bytes - 8) / 2)}"}`;
  expect(refused(filled(limits.configurationBytes))).toBeUndefined();
  expect(refused(` ${filled(limits.configurationBytes)} `)).toBeUndefined();
  expect(refused(filled(limits.configurationBytes + 2))).toBe("has more than 131072 bytes");
  expect(refused(`{${" ".repeat(limits.configurationBytes * 4)}}`)).toBe("has more than 131072 bytes");
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}"]]"${"]".repeat(depth - 1)}}`;
  expect(refused(nested(limits.configurationDepth))).toBeUndefined();
  expect(refused(nested(limits.configurationDepth + 1))).toBe("is nested deeper than 64");
  expect(refused(nested(60_000))).toBeDefined();
});
