import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const BASE = "http://127.0.0.1:8080/v1/namespaces";
const sample = {
  ...{ number: 4711, category: "training", label: "wave", fileName: "wave.1\u001b[2J", enabled: true },
  ...{ device: "15:FE", deviceType: "BOARD", sensor: "Microphone", sampling: null, signature: "valid" },
  ...{ intervalMs: 10, lengthMs: 1_000, values: 100, axes: [{ name: "accX", units: "m/s2" }] },
  ...{ metadata: { site: "cellar" }, mediaType: "application/json", bytes: 12_345, sha256: "ab" },
  storedAt: "2026-05-01T12:00:00Z",
};

describe("samples", () => {
  it("are listed, by what is known of them", async () => {
    const unlabelled = { ...sample, number: 4712, label: null, lengthMs: null };
    const { run, asked, said } = staged([
      { body: { samples: [sample, unlabelled] } },
      { body: { samples: [] } },
    ]);
    const line =
      "samples list -n test --label wave --metadata site=cellar --metadata by=a=b --limit 2 --after 7";
    expect(await run(line)).toBe(0);
    const query = "label=wave&metadata.site=cellar&metadata.by=a%3Db&limit=2&after=7";
    expect(asked[0]?.url).toBe(`${BASE}/test/samples?${query}`);
    expect(said.out).toMatch(
      /4711 +training +wave +wave\.1\ufffd\[2J +15:FE +Microphone +valid +1000 +12,345/,
    );
    expect(said.out).toMatch(/4712 +training +- /);
    expect(await run("samples list")).toBe(0);
    expect(said.out).toContain("There are no such samples");
    expect(await run("samples list --metadata site")).toBe(2);
    expect(await run("samples list --category elsewhere")).toBe(2);
  });

  it("are counted, shown, changed and removed", async () => {
    const labels = [{ category: "training", label: null, samples: 1_200, bytes: 1, lengthMs: 90_500 }];
    const { run, asked, said } = staged([
      { body: { labels } },
      { body: sample },
      { body: { ...sample, enabled: false } },
      { status: 204 },
    ]);
    expect(await run("samples labels --category training")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/default/samples/labels?category=training`);
    expect(said.out).toMatch(/training +- +1,200 +90\.5 +1\n/);
    expect(await run("samples show 4711")).toBe(0);
    expect(said.out).toMatch(/axes +accX \(m\/s2\)/);
    expect(await run("samples change 4711 --label= --category testing --disable --metadata site=")).toBe(0);
    expect(asked[2]).toMatchObject({
      method: "PATCH",
      body: { label: null, category: "testing", enabled: false, metadata: { site: null } },
    });
    expect(await run("samples change 4711")).not.toBe(0);
    expect(await run("samples remove 4711")).toBe(0);
    expect(asked[3]).toMatchObject({ method: "DELETE", url: `${BASE}/default/samples/4711` });
  });

  it("are saved one by one, or all together", async () => {
    const named = (name: string) => ({ "content-disposition": `attachment; filename="${name}"` });
    const { run, asked, saved } = staged([
      { body: { x: 1 }, headers: named("wave.1") },
      { body: { x: 2 } },
      { body: { x: 3 }, headers: named("samples.parquet") },
    ]);
    expect(await run("samples download 4711")).toBe(0);
    expect(await run("samples download 4711 --format csv")).toBe(0);
    expect(await run("samples export --label= --category training --format parquet")).toBe(0);
    expect(asked.map(({ url }) => url)).toEqual([
      `${BASE}/default/samples/4711/data`,
      `${BASE}/default/samples/4711/values?format=csv`,
      `${BASE}/default/samples/export?format=parquet&category=training&label=`,
    ]);
    expect([...saved.keys()]).toEqual(["wave.1", "sample-4711.csv", "samples.parquet"]);
  });
});
