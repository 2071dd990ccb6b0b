import { Budget, type Known, keyHash } from "@fieldlog/admission";
import { describe, expect, it } from "vitest";
import { Access, sessionKeyIn } from "./access.js";

describe("a client", () => {
  const token = "a".repeat(64);
  const key = {
    ...{ id: "k", permission: "write", namespace: "n", expiresAt: undefined },
    budget: new Budget(9, 9),
  };
  const session = { key, namespace: "n", device: "d1" };

  it("is whoever has its session, and nobody once its device is erased or removed", async () => {
    const registered = new Set(["n/d1"]);
    const known = {
      deviceSessions: { get: async (hash: string) => (hash === keyHash(token) ? session : undefined) },
      namespaces: { get: async () => ({ id: "n", name: "n" }) },
      registered: { get: async (name: string) => (registered.has(name) ? { id: "d1" } : undefined) },
    } as unknown as Known;
    const access = new Access(known, () => 0);
    const asked = { cookie: `sessionKey=${token}`, fields: new Map() } as unknown as Parameters<
      Access["client"]
    >[0];
    expect(await access.client(asked, "write")).toBe(session);
    registered.delete("n/d1");
    await expect(access.client(asked, "read")).rejects.toMatchObject({ status: 401 });
  });
});

describe("the session in a cookie", () => {
  it.each([
    ["sessionKey=abc", "abc"],
    ['a=b; sessionKey="abc" ; c=d', "abc"],
    ['sessionKey="abc', "abc"],
    ['sessionKey=abc"', "abc"],
    ["sessionKey=", ""],
  ])("of %s is there", (cookie, key) => {
    expect(sessionKeyIn(cookie)).toBe(key);
  });

  it.each([undefined, "", "a=sessionKey=b", 'sessionKey="a"b', 'sessionKey="a""'])(
    "of %s is not",
    (cookie) => {
      expect(sessionKeyIn(cookie)).toBeUndefined();
    },
  );

  it("is looked for in one go: the square of this length would take minutes", () => {
    expect(sessionKeyIn(`sessionKey=${" ".repeat(400_000)}""x`)).toBeUndefined();
  });
});
