import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const template = {
  ...{
    name: "roofs",
    revision: 2,
    tags: { site: "roof" },
    reported: [],
    desired: { rate: 60 },
    takeWithinS: 60,
  },
  ...{ setAt: "2026-05-01T12:00:00Z", stopAfterFailures: 3, stopped: null },
  ...{ matching: 9, applied: 8, acknowledged: 7, failed: 1 },
};
const failed = { device: "d1", state: "failed", error: "\u001b[2Jno", changedAt: "2026-05-01T12:00:00Z" };

describe("fleet templates", () => {
  it("are set by tags, stopped and removed", async () => {
    const { run, asked, said } = staged([{ body: { revision: 1 } }, { status: 204 }, { status: 204 }]);
    const set =
      'fleet set roofs {"rate":60} --tag site=roof --tag floor=3 --reports battery.level<=20 --reports fw!=007 --stop-after 3 --within 60';
    expect(await run(set)).toBe(0);
    expect(await run("fleet stop roofs --reason enough")).toBe(0);
    expect(await run("fleet remove roofs")).toBe(0);
    expect(asked.map(({ method, url, body }) => [method, url.split("/fleet-templates")[1], body])).toEqual([
      [
        ...["PUT", "/roofs"],
        {
          ...{ tags: { site: "roof", floor: 3 }, desired: { rate: 60 } },
          reported: [
            { field: "battery.level", op: "<=", value: 20 },
            { field: "fw", op: "!=", value: "007" },
          ],
          ...{ stopAfterFailures: 3, takeWithinS: 60 },
        },
      ],
      ["POST", "/roofs/stop", { reason: "enough" }],
      ["DELETE", "/roofs", undefined],
    ]);
    expect(said.out).toContain("revision 1");
    for (const wrong of [
      "[1] --tag a=b",
      "{} --tag =b",
      "{} --reports level",
      "{} --tag a=b --stop-after 0",
    ]) {
      expect(await run(`fleet set roofs ${wrong}`)).toBe(2);
    }
  });

  it("are listed, and shown with their devices", async () => {
    const { run, said } = staged([
      { body: { templates: [template] } },
      { body: { ...template, stopped: "failed at 3 devices", devices: [failed] } },
      { body: { templates: [] } },
    ]);
    expect(await run("fleet list")).toBe(0);
    expect(said.out).toMatch(/roofs +2 +9 +8 +7 +1 +going +\{"site":"roof"\}/);
    expect(await run("fleet show roofs")).toBe(0);
    expect(said.out).toContain("9 match, 8 have it, 7 took it, 1 failed");
    expect(said.out).toMatch(/d1 +failed +2026-05-01 12:00:00Z +\S+no\n/);
    expect(said.out).not.toContain("\u001b[2J");
    expect(await run("fleet list")).toBe(0);
    expect(said.out).toContain("There are no fleet templates");
  });

  it("tell their devices by state, a page at a time", async () => {
    const { run, said, asked } = staged([
      { body: { devices: [failed], next: "d1" } },
      { body: { devices: [], next: null } },
    ]);
    expect(await run("fleet devices roofs --state failed --limit 1")).toBe(0);
    expect(said.out).toMatch(/d1 +failed.+There may be more: --after d1\n/s);
    expect(await run("fleet devices roofs --after d1")).toBe(0);
    expect(said.out).toContain("There are no such devices.");
    expect(asked.map(({ url }) => url.split("/fleet-templates")[1])).toEqual([
      ...["/roofs/devices?limit=1&state=failed", "/roofs/devices?limit=100&after=d1"],
    ]);
    expect(await run("fleet devices roofs --state lost")).toBe(2);
  });
});
