import { expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

const desired = { value: { rate: 10, note: "\u001b[2J" }, version: 3, changedAt: null };
const nothing = { value: {}, version: 1, changedAt: null };

it("properties are shown, as they are or were", async () => {
  const program = staged([
    { body: { desired, reported: nothing, tags: nothing, takenVersion: 2 } },
    { body: { desired: nothing, reported: nothing, tags: nothing, takenVersion: null } },
  ]);
  expect(await program.run("properties show valve")).toBe(0);
  expect(program.said.out).toContain(
    'desired   {"rate":10,"note":"\\u001b[2J"}  (version 3; the device has taken version 2)',
  );
  await program.run("properties show valve --at 2h");
  expect(program.asked[1]?.url).toContain("?at=2026-05-01T10%3A00%3A00.000Z");
});

it("properties are changed: by a patch, as a whole, or those of tags", async () => {
  const program = staged([{ body: desired }, { body: desired }, { body: nothing }]);
  expect(await program.run('properties change valve {"rate":10,"wifi":null} --expected-version 2')).toBe(0);
  expect(await program.run('properties change valve {"rate":10} --replace')).toBe(0);
  expect(await program.run('properties change valve {"site":"roof"} --tags')).toBe(0);
  expect(program.asked.map(({ method, url, body }) => [method, url.split("/properties")[1], body])).toEqual([
    ["PATCH", "/desired?expectedVersion=2", { rate: 10, wifi: null }],
    ["PUT", "/desired", { rate: 10 }],
    ["PATCH", "/tags", { site: "roof" }],
  ]);
  expect(program.said.out).toContain("version 3");
  for (const wrong of ["[1]", "{", "7"])
    expect(await program.run(`properties change valve ${wrong}`)).toBe(2);
});

it("how properties changed is listed", async () => {
  const change = { changedAt: "2026-05-01T12:00:00Z", kind: "tags", version: 2, changedBy: "key:k" };
  const program = staged([{ body: { changes: [{ ...change, patch: { a: null } }], next: null } }]);
  expect(await program.run("properties history valve --kind tags")).toBe(0);
  expect(program.asked[0]?.url).toContain("/properties/changes?limit=100&kind=tags");
  expect(program.said.out).toMatch(/2026-05-01 12:00:00Z +tags +2 +key:k +\{"a":null\}\n/);
});
