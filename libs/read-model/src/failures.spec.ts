import pg from "pg";
import { describe, expect, it } from "vitest";
import { CheckpointMoved, liesInTheData, NotYet, ReadModelStopped, reasonOf } from "./failures.js";

function databaseError(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError("refused", 0, "error"), { code });
}

describe("a failure to apply", () => {
  it.each(["22021", "22P02", "23502", "23505", "23514", "42804"])(
    "with SQLSTATE %s lies in the data",
    (code) => {
      expect(liesInTheData(databaseError(code))).toBe(true);
    },
  );
  it.each(["08006", "25P02", "40001", "40P01", "42P01", "53100", "55P03", "57P01", "58030", "XX000"])(
    "with SQLSTATE %s does not",
    (code) => expect(liesInTheData(databaseError(code))).toBe(false),
  );
  it("that the code raised lies in the data, unless it tells of the runner itself", () => {
    expect(liesInTheData(new TypeError("undefined is not an object"))).toBe(true);
    expect(liesInTheData(new ReadModelStopped("gap"))).toBe(false);
    expect(liesInTheData(new CheckpointMoved("moved"))).toBe(false);
    expect(liesInTheData(new NotYet("something else is away"))).toBe(false);
  });
  it("is told in one line of bounded length", () => {
    const error = Object.assign(databaseError("23505"), { detail: "Key (a)=(1) exists." });
    expect(reasonOf(error)).toBe("refused (Key (a)=(1) exists.)");
    expect(reasonOf(new Error("x".repeat(1_000)))).toHaveLength(500);
  });
});
