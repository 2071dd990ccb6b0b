import { describe, expect, it } from "vitest";
import { settingNames, settingsLeft } from "./environment.js";

const all = new Set(settingNames);

describe("settings that a shape leaves", () => {
  it("are none where all are set", () => {
    expect(settingsLeft({ shape: all }, {})).toEqual([]);
  });

  it("need a reason", () => {
    const most = new Set(settingNames.filter((name) => name !== "FIELDLOG_COMMIT"));
    expect(settingsLeft({ shape: most }, {})[0]).toContain("shape: FIELDLOG_COMMIT is not set");
    expect(settingsLeft({ shape: most }, { FIELDLOG_COMMIT: "why" })).toEqual([]);
  });

  it("have no reason left over, and none for what is no setting", () => {
    expect(settingsLeft({ shape: all }, { FIELDLOG_COMMIT: "why", FIELDLOG_COMIT: "why" })).toEqual([
      "deploy/settings-by-default.json: FIELDLOG_COMMIT is set everywhere",
      "deploy/settings-by-default.json: FIELDLOG_COMIT is not a setting",
    ]);
  });
});
