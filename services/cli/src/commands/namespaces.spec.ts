import { expect, it } from "vitest";
import { staged } from "../staged.fixture.js";

it("a namespace is made in the shard that is said, and listed with where it is", async () => {
  const made = { id: "n-1", name: "wide", createdAt: "2026-05-01T12:00:00Z", shard: 1 };
  const { run, asked, said } = staged([{ body: made }, { body: { namespaces: [made] } }]);
  expect(await run("namespaces create wide --shard 1")).toBe(0);
  expect(asked[0]).toMatchObject({ method: "POST", body: { name: "wide", shard: 1 } });
  expect(await run("namespaces list")).toBe(0);
  expect(said.out).toMatch(/NAME +ID +SHARD +CREATED\nwide +n-1 +1 +2026/);
});

it.each(["-1", "one", "1.5"])("there is no shard %s", async (text) => {
  const { run, asked } = staged([]);
  expect(await run(`namespaces create wide --shard=${text}`)).toBe(2);
  expect(asked).toEqual([]);
});
