import { expect, test } from "vitest";
import { Connections, type KnownConnection } from "./connections.js";

type Loaded = Omit<KnownConnection, "budget">;

function over(good: Map<string, Loaded>) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const connections = new Connections({
    load: async (token) => {
      asked.push(token);
      return good.get(token);
    },
    hash: (token) => `#${token}`,
    key: (namespace, device) => `${namespace}/${device}`,
    now: () => clock.now,
  });
  return { connections, asked, clock };
}
const porch = { namespace: "default", device: "porch", expiresAt: 10 };

test("a token is asked for once, however many show it, and kept until it expires", async () => {
  const { connections, asked, clock } = over(new Map([["a", porch]]));
  const both = await Promise.all([connections.get("a"), connections.get("a")]);
  expect([...both, await connections.get("a")]).toMatchObject([porch, porch, porch]);
  expect(asked).toEqual(["a"]);
  clock.now = 10;
  expect(await connections.get("a")).toBeUndefined();
  expect(await connections.get("no token")).toBeUndefined();
});

test("a decision on its device drops it, and those of no other", async () => {
  const good = new Map([
    ["a", porch],
    ["b", { ...porch, device: "cellar" }],
  ]);
  const { connections } = over(good);
  await connections.get("a");
  await connections.get("b");
  good.clear();
  connections.invalidate("default", "porch");
  expect(await connections.get("a")).toBeUndefined();
  expect(await connections.get("b")).toMatchObject({ device: "cellar" });
  connections.clearNamespace("default");
  expect(await connections.get("b")).toBeUndefined();
});

test("of one device only the newest few are kept", async () => {
  const good = new Map<string, Loaded>(Array.from({ length: 9 }, (_, i) => [String(i), porch]));
  const { connections, asked } = over(good);
  for (const token of good.keys()) await connections.get(token);
  expect(connections.size).toBe(4);
  await connections.get("8");
  expect(asked).toHaveLength(9);
});

test("a decision while it is being asked for has it asked again", async () => {
  const good = new Map([["a", porch]]);
  const { connections, asked } = over(good);
  const answer = connections.get("a");
  connections.invalidate("default", "porch");
  good.clear();
  expect(await answer).toBeUndefined();
  expect(asked).toEqual(["a", "a"]);
});

test("a device has one budget, whichever of its tokens it shows", async () => {
  const good = new Map([
    ["a", porch],
    ["b", porch],
    ["c", { ...porch, device: "cellar" }],
  ]);
  const { connections } = over(good);
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((token) => connections.get(token)));
  expect(b?.budget).toBe(a?.budget);
  expect(c?.budget).not.toBe(a?.budget);
});
