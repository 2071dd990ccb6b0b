import { describe, expect, it } from "vitest";
import { hasCurrentSettings, settingsDoc, withSettings } from "./settings-doc.js";

const empty =
  "# A\n\n<!-- settings: written by npm run deploy:check -- --write -->\n\n<!-- end of settings -->\n\nB\n";

describe("the table of settings", () => {
  it("has a row for each, with its default and its unit", () => {
    expect(settingsDoc()).toContain("| `FIELDLOG_SIGNATURE_WINDOW_S` | `900` s | ");
    expect(settingsDoc()).toContain("| `FIELDLOG_PUBLIC_URL` | none | ");
  });

  it("is put between its marks, and is current then", () => {
    expect(hasCurrentSettings(empty)).toBe(false);
    const written = withSettings(empty);
    expect(written.startsWith("# A\n")).toBe(true);
    expect(written.endsWith("\n\nB\n")).toBe(true);
    expect(hasCurrentSettings(written)).toBe(true);
    expect(hasCurrentSettings(written.replace("`900`", "`901`"))).toBe(false);
  });

  it("may have columns of any width", () => {
    expect(
      hasCurrentSettings(withSettings(empty).replaceAll(" | ", "    |  ").replace("| ---", "| --------")),
    ).toBe(true);
  });
});
