import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");
const rows = readFileSync(join(root, "SECURITY.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| who ") && !line.startsWith("| --"))
  .map((line) => line.split("|").slice(1, -1));

describe("the table of SECURITY.md", () => {
  it("says of each threat who, what, what stops it and which test shows that", () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const cells of rows) {
      expect(cells).toHaveLength(4);
      expect(cells[3]).toMatch(/^ (`[\w./-]+\.spec\.ts`(, )?)+ *$/);
    }
  });

  it("names tests that are there", () => {
    const named = rows.flatMap((cells) =>
      [...(cells[3] ?? "").matchAll(/`([^`]+)`/g)].map(([, path]) => path),
    );
    expect(named.filter((path) => !existsSync(join(root, path ?? "")))).toEqual([]);
  });
});
