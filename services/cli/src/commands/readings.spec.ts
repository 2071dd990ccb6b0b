import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { saveFile } from "../output/save-file.js";
import { problem, staged } from "../staged.fixture.js";

const reading = {
  ...{ number: 4711, state: "stored", device: "17", sensor: "0", sensorType: "accelerometer-3-axis" },
  ...{ request: 9, start: "2026-05-01T11:50:00Z", end: "2026-05-01T12:00:00Z", format: "data-record" },
  ...{ fileName: "", offeredAt: "2026-05-01T12:00:01Z", storedAt: "2026-05-01T12:00:09Z" },
  ...{ bytes: 720_024, sha256: "ab".repeat(32) },
};
const BASE = "http://127.0.0.1:8080/v1/namespaces";

describe("readings", () => {
  it("are listed, by what is asked for", async () => {
    const { run, asked, said } = staged([
      { body: { readings: [reading], next: null } },
      { body: { readings: [] } },
    ]);
    expect(await run("readings list -n test --device 17 --from 2h")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/test/readings?limit=100&device=17&from=2026-05-01T10%3A00%3A00.000Z`);
    expect(said.out).toMatch(/4711\s+17\s+0\s+2026-05-01 11:50:00Z\s+.*data-record\s+720,024\s+stored/);
    await run("readings list");
    expect(said.out).toContain("There are no such readings in namespace default.");
  });

  it("are shown with what is in them, but not every sample", async () => {
    const streams = [{ name: "N", unit: "g", count: 30_000, min: -0.5, max: 0.25, mean: null }];
    const { run, asked, said } = staged([{ body: { ...reading, waveform: { streams } } }]);
    expect(await run("readings show 4711")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/default/readings/4711?samples=false`);
    expect(said.out).toContain("data request number 9");
    expect(said.out).toMatch(/N \(g\)\s+30,000\s+-0.5\s+0.25/);
  });

  it("are saved under the server's name, never outside of this folder, or under another", async () => {
    const body = { anything: 1 };
    const etag = `"${createHash("sha256").update(JSON.stringify(body)).digest("hex")}"`;
    const named = (name: string) => ({
      body,
      headers: { etag, "content-disposition": `attachment; filename="${name}"` },
    });
    const { run, asked, saved, said } = staged([
      ...[named("quake.rec"), named("../../etc/passwd"), named(".."), { body }, { body }],
    ]);
    for (const _ of [1, 2, 3, 4]) expect(await run("readings download 4711")).toBe(0);
    expect(await run("readings download 4711 --format svg --output a/b.svg")).toBe(0);
    expect([...saved.keys()]).toEqual(["quake.rec", "passwd", "reading-4711.bin", "a/b.svg"]);
    expect(asked.map(({ url }) => url.replace(`${BASE}/default/readings/`, ""))).toEqual([
      ...Array(4).fill("4711/data"),
      "4711?format=svg",
    ]);
    expect(said.out).toContain("Saved quake.rec, 14 bytes.");
  });

  it("are not saved when what came is not what was stored, or was refused", async () => {
    const { run, saved, said } = staged([
      { body: {}, headers: { etag: `"${"0".repeat(64)}"` } },
      problem(404, { title: "Not Found", detail: "There is no such reading." }),
    ]);
    expect(await run("readings download 1")).toBe(1);
    expect(await run("readings download 2")).toBe(1);
    expect(saved.size).toBe(0);
    expect(said.err).toContain("what came is not what was stored");
    expect(said.err).toContain("There is no such reading.");
  });

  it("show a person how far they are", async () => {
    const { run, said } = staged([{ body: {}, headers: { "content-length": "2" } }], { terminal: true });
    await run("readings download 1");
    expect(said.err).toContain("100%  2 of 2 bytes");
  });
});

describe("a saved file", () => {
  it("is whole or not there, and replaces another only if it is to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fieldlog-cli-"));
    const path = join(folder, "a");
    async function* content(text: string, fails = false) {
      yield Buffer.from(text);
      if (fails) throw new Error("broke off");
    }
    await saveFile(path, content("one"), false);
    await expect(saveFile(path, content("two"), false)).rejects.toThrow("is there already");
    await expect(saveFile(path, content("three", true), true)).rejects.toThrow("broke off");
    expect(await readFile(path, "utf8")).toBe("one");
    await saveFile(path, content("four"), true);
    expect(await readFile(path, "utf8")).toBe("four");
    expect(await readdir(folder)).toEqual(["a"]);
    await expect(saveFile(join(folder, "none", "a"), content("x"), false)).rejects.toThrow("ENOENT");
    await rm(folder, { recursive: true });
  });
});

describe("data requests", () => {
  const made = {
    ...{
      id: "r1",
      number: 9,
      state: "open",
      device: "17",
      sensor: null,
      current: false,
      points: [],
      withinM: null,
    },
    ...{ start: "2026-05-01T11:50:00Z", end: "2026-05-01T12:00:00Z", expires: "2026-05-02T12:00:00Z" },
    ...{ note: "", uploads: 0 },
  };

  it("are made of a stretch, of data from now on, of who is near", async () => {
    const { run, asked } = staged([
      { status: 201, body: made },
      { status: 201, body: made },
      { status: 201, body: made },
    ]);
    expect(await run("requests create --device 17 --sensor 0 --start 10m --note why")).toBe(0);
    expect(await run("requests create --device 17 --current --expires 2h")).toBe(0);
    const place = "--near 34.1,-118.1 --near 35,-118 --within 20000";
    expect(
      await run(`requests create -n test ${place} --start 2026-05-01T11:00:00Z --end 2026-05-01T11:05:00Z`),
    ).toBe(0);
    expect(asked.map(({ body }) => body)).toEqual([
      {
        device: "17",
        sensor: "0",
        note: "why",
        start: "2026-05-01T11:50:00.000Z",
        end: "2026-05-01T12:00:00.000Z",
      },
      { device: "17", current: true, expires: "2026-05-01T14:00:00.000Z" },
      {
        points: [
          { latitude: 34.1, longitude: -118.1 },
          { latitude: 35, longitude: -118 },
        ],
        ...{ withinM: 20_000, start: "2026-05-01T11:00:00.000Z", end: "2026-05-01T11:05:00.000Z" },
      },
    ]);
    expect(asked[2]?.url).toBe(`${BASE}/test/requests`);
  });

  it("that ask nobody, or for nothing, are not sent", async () => {
    const { run, said } = staged();
    expect(await run("requests create --start 10m")).toBe(1);
    expect(await run("requests create --device 17")).toBe(1);
    expect(await run("requests create --near 1,2 --start 10m")).toBe(1);
    expect(await run("requests create --near 91,2")).toBe(2);
    expect(await run("requests create --device 17 --start yesterday")).toBe(2);
    expect(said.err).toContain("Give --device, or --near and --within.");
  });

  it("are listed and withdrawn", async () => {
    const { run, asked, said } = staged([{ body: { requests: [made], next: null } }, { status: 204 }]);
    expect(await run("requests list --state open")).toBe(0);
    expect(said.out).toMatch(/9\s+r1\s+open\s+device 17\s+2026-05-01 11:50:00Z to 2026-05-01 12:00:00Z/);
    expect(await run("requests withdraw r1")).toBe(0);
    expect(asked.map(({ method, url }) => `${method} ${url.replace(BASE, "")}`)).toEqual([
      "GET /default/requests?limit=100&state=open",
      "DELETE /default/requests/r1",
    ]);
  });
});
