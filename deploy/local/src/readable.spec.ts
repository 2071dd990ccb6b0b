import { expect, it } from "vitest";
import { readableProblem } from "./readable.js";

it("shows a warning with its reason on one line", () => {
  const line = JSON.stringify({
    level: "warn",
    time: "2026-01-02T03:04:05.678Z",
    service: "projections",
    err: { message: "connection refused\n  at somewhere", stack: "…" },
    msg: "database away",
  });
  expect(readableProblem(line)).toBe("03:04:05 warn  projections: database away (connection refused)");
});

it("leaves everything else to the file", () => {
  expect(readableProblem('{"level":"info","msg":"\\"level\\":\\"error\\""}')).toBeUndefined();
  expect(readableProblem('{"level":"error", not JSON')).toBeUndefined();
});
