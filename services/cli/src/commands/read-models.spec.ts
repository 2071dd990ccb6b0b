import { describe, expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

describe("read models", () => {
  const model = {
    name: "events",
    version: 1,
    sequence: 90,
    logSequence: 100,
    state: "live",
    parkedDevices: 0,
  };

  it("status shows how far behind each is, and why one stopped", async () => {
    const readModels = [
      model,
      { ...model, name: "devices", state: "stopped", reason: "gap at 7", parkedDevices: 2 },
      { ...model, name: "old", state: "rebuilding", rebuildSequence: 50 },
    ];
    const { run, said } = staged([{ body: { readModels } }]);
    expect(await run("read-models status")).toBe(0);
    expect(said.out).toBe(
      [
        "NAME     VERSION  STATE           APPLIED  BEHIND  PARKED",
        "events         1  live                 90      10       0",
        "devices        1  stopped              90      10       2",
        "old            1  rebuilding 50%       90      10       0",
        "",
        "devices: gap at 7",
        "What was parked, and why: fieldlog dead-letters list",
        "",
      ].join("\n"),
    );
  });

  it("rebuild shows a bar until it is over", async () => {
    const poll = (over: object) => ({ body: { readModels: [{ ...model, ...over }] } });
    const { run, said, asked } = staged(
      [
        { status: 202 },
        poll({}),
        poll({ state: "rebuilding", rebuildSequence: 0 }),
        poll({ state: "rebuilding", rebuildSequence: 50 }),
        poll({ sequence: 100 }),
      ],
      { terminal: true, env: { FIELDLOG_ADMIN_KEY: "k", NO_COLOR: "1" } },
    );
    expect(await run("read-models rebuild events")).toBe(0);
    expect(asked[0]).toMatchObject({
      method: "POST",
      url: "http://127.0.0.1:8080/v1/read-models/events/rebuild",
    });
    expect(said.err).toContain("events ████████████░░░░░░░░░░░░  50%  50 of 100 commits, 1 s left");
    expect(said.out).toBe("Rebuilt events: 100 commits in 1 s.\n");
  });

  it("rebuild fails when the read model stops", async () => {
    const { run, said } = staged([
      { status: 202 },
      { body: { readModels: [{ ...model, state: "stopped", reason: "gap at 7" }] } },
    ]);
    expect(await run("read-models rebuild events")).toBe(1);
    expect(said.err).toContain("stopped: gap at 7");
  });

  it("rebuild --all builds one after the other, and wants a name or that", async () => {
    const all = { body: { readModels: [model, { ...model, name: "devices" }] } };
    const { run, said, asked } = staged([all, { status: 202 }, { status: 202 }]);
    expect(await run("read-models rebuild --all --no-wait --json")).toBe(0);
    expect(asked.map(({ method, url }) => `${method} ${url.slice(21)}`)).toEqual([
      "GET /v1/read-models",
      "POST /v1/read-models/events/rebuild",
      "POST /v1/read-models/devices/rebuild",
    ]);
    expect(await run("read-models rebuild")).toBe(1);
    expect(await run("read-models rebuild events --all")).toBe(1);
    expect(said.err).toContain("name a read model, or say --all");
  });
});
