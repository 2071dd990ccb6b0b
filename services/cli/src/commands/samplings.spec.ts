import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const BASE = "http://127.0.0.1:8080/v1/namespaces";
const sampling = {
  ...{ id: "a-1", device: "15:FE", sensor: "Microphone", label: "wave", category: "training" },
  ...{ state: "queued", place: 2, percent: null, error: null, sample: null, endedAt: null },
  changedAt: "2026-05-01T12:00:00Z",
};
const sent = { ...sampling, state: "sent", place: null };
const arrived = { ...sent, state: "arrived", sample: 4711, endedAt: "2026-05-01T12:00:09Z" };

describe("samplings", () => {
  it("are requested, by interval or frequency", async () => {
    const { run, asked, said } = staged([
      { status: 202, body: sampling },
      { status: 202, body: sent },
    ]);
    const line = "samplings request 15:FE -n test --label wave --length 1.5s";
    expect(await run(`${line} --frequency 62.5 --sensor Microphone`)).toBe(0);
    expect(asked[0]).toMatchObject({
      url: `${BASE}/test/devices/15%3AFE/samples`,
      body: { label: "wave", lengthMs: 1_500, intervalMs: 16, category: "training", sensor: "Microphone" },
    });
    expect(said.out).toContain("It waits, at place 2.");
    expect(await run(`${line} --interval 10 --category split`)).toBe(0);
    expect(asked[1]?.body).toEqual({ label: "wave", lengthMs: 1_500, intervalMs: 10, category: "split" });
    expect(said.out).toContain("It was sent to the device.");
    expect(await run(line)).not.toBe(0);
    expect(await run(`${line} --interval 0`)).toBe(2);
    expect(await run("samplings request x --label wave --length 5")).toBe(2);
  });

  it("are waited for, until they arrive or end otherwise", async () => {
    const reading = { ...sent, state: "reading", percent: 40.5 };
    const refused = { ...arrived, state: "refused", sample: null, error: "Invalid sensor" };
    const line = "samplings request x --label wave --length 5s --interval 1 --wait";
    const { run, asked, said } = staged([{ status: 202, body: sent }, { body: reading }, { body: arrived }]);
    expect(await run(line)).toBe(0);
    expect(asked.at(-1)?.url).toBe(`${BASE}/default/devices/x/samples/a-1`);
    expect(said.out).toContain("is sample 4711");
    const other = staged([{ status: 202, body: sent }, { body: refused }]);
    expect(await other.run(line)).toBe(1);
    expect(other.said.err).toContain("Invalid sensor");
  });

  it("are listed and cancelled", async () => {
    const failed = { ...arrived, state: "failed", sample: null, error: "no\u001b[2J" };
    const { run, asked, said } = staged([{ body: { samplings: [sampling, failed, arrived] } }, {}]);
    expect(await run("samplings list --device 15:FE --state running")).toBe(0);
    expect(asked[0]?.url).toBe(`${BASE}/default/samplings?limit=100&device=15%3AFE&state=running`);
    expect(said.out).toMatch(
      /a-1 +15:FE +Microphone +wave +training +queued: place 2 +2026-05-01 12:00:00Z\n/,
    );
    expect(said.out).toContain("failed: no\ufffd[2J");
    expect(said.out).toMatch(/arrived +2026-05-01 12:00:00Z +4711\n/);
    expect(await run("samplings cancel 15:FE a-1")).toBe(0);
    expect(asked[1]).toMatchObject({ method: "DELETE", url: `${BASE}/default/devices/15%3AFE/samples/a-1` });
  });
});
