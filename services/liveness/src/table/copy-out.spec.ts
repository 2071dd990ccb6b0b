import { expect, it } from "vitest";
import { fieldsOf } from "./copy-out.js";

it("a line of COPY is its fields, with what stands for other characters, and null as nothing", () => {
  expect(fieldsOf(Buffer.from("a\tb\t\tü"))).toEqual(["a", "b", "", "ü"]);
  expect(fieldsOf(Buffer.from("a\\tb\t\\N\tc\\\\N\td\\n"))).toEqual(["a\tb", "", "c\\N", "d\n"]);
});
