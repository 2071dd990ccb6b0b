import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LogFile } from "./log-file.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "fieldlog-log-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

it("sets the file aside at each start and when it is full", async () => {
  const path = join(dir, "x.log");
  const first = new LogFile(path);
  first.write("from the first start\n");
  await first.close();

  const second = new LogFile(path, 10);
  expect(readFileSync(`${path}.1`, "utf8")).toBe("from the first start\n");
  for (const line of ["one two three\n", "four\n"]) second.write(line);
  await second.close();
  expect(readFileSync(path, "utf8")).toBe("four\n");
});
