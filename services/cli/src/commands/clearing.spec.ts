import { describe, expect, it } from "vitest";
import { problem, staged } from "../staged.fixture.js";

const BASE = "http://127.0.0.1:8080/v1";
const cleared = { commits: 1_200, decisions: 7, signalsBefore: 90, registryBefore: 40 };
const model = (name: string, sequence: number, logSequence: number) => ({
  ...{ name, version: 1, state: "live", sequence, logSequence },
});

describe("namespaces clear", () => {
  it("clears once it is said for sure, and waits for the tables", async () => {
    const behind = { readModels: [model("events", 80, 91), model("devices", 41, 41)] };
    const level = { readModels: [model("events", 91, 95), model("devices", 41, 44)] };
    const { run, asked, said } = staged([{ body: cleared }, { body: behind }, { body: level }], {
      confirm: async (question) => question.includes("test"),
    });
    expect(await run("namespaces clear test")).toBe(0);
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `POST ${BASE}/namespaces/test/clear`,
      `GET ${BASE}/read-models`,
      `GET ${BASE}/read-models`,
    ]);
    expect(said.out).toContain("Cleared namespace test: 1,200 commits and 7 decisions are gone.");
  });

  it("does nothing where nobody can be asked, and with --yes does not ask", async () => {
    const { run, asked, said } = staged([{ body: cleared }, { body: { readModels: [] } }]);
    expect(await run("namespaces clear test")).not.toBe(0);
    expect(asked).toEqual([]);
    expect(said.err).toContain("With --yes");
    expect(await run("namespaces clear test --yes --json")).toBe(0);
    expect(JSON.parse(said.out)).toEqual(cleared);
  });

  it("waits for nothing where the key may not see the tables, and tells a refusal", async () => {
    const refused = problem(403, { title: "Forbidden", detail: "This takes a key of the installation." });
    const { run, said } = staged([{ body: cleared }, refused, refused]);
    expect(await run("namespaces clear test --yes")).toBe(0);
    expect(await run("namespaces clear test --yes")).not.toBe(0);
    expect(said.err).toContain("This takes a key of the installation.");
  });
});

describe("devices erase", () => {
  it("erases once it is said for sure", async () => {
    const { run, asked, said } = staged([{ status: 204 }]);
    expect(await run("devices erase 17")).not.toBe(0);
    expect(asked).toEqual([]);
    expect(await run("devices erase 17 -n roofs --yes")).toBe(0);
    expect(asked[0]).toMatchObject({ method: "POST", url: `${BASE}/namespaces/roofs/devices/17/erase` });
    expect(said.out).toContain("Erased device 17.");
  });
});

describe("namespaces settings", () => {
  const settings = {
    ...{ heartbeatS: null, inactiveAfterS: 900, uniqueDeviceNames: true, devices: 5 },
    ...{ storedBytes: null, uploadBytes: null, offers: "all", openToCsn: true },
  };

  it("shows them, and sets what is given", async () => {
    const { run, asked, said } = staged([{ body: settings }, { body: settings }]);
    expect(await run("namespaces settings roofs")).toBe(0);
    expect(said.out).toMatch(/inactive after \(s\)\s+900/);
    expect(said.out).toMatch(/open to CSN\s+yes/);
    const line =
      "namespaces settings roofs --inactive-after-s 900 --devices default --unique-device-names yes";
    expect(await run(`${line} --open-to-csn no`)).toBe(0);
    expect(asked[1]).toMatchObject({
      method: "PATCH",
      url: `${BASE}/namespaces/roofs/settings`,
      body: { inactiveAfterS: 900, devices: null, uniqueDeviceNames: true, openToCsn: false },
    });
  });

  it("takes no number that is none", async () => {
    const { run, asked } = staged([]);
    for (const text of ["0", "-1", "many", "1.5"]) {
      expect(await run(`namespaces settings roofs --devices ${text}`)).not.toBe(0);
    }
    expect(asked).toEqual([]);
  });
});
