import { Budget, type KnownKey, keyHash, LoadCache } from "@fieldlog/admission";
import type { FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import { Access, type Permission } from "./access.js";
import { Problem } from "./problem.js";

const HOME = { id: "2f9a5285-4242-458b-9201-4217455ea23c", name: "home" };
const AWAY = { id: "575a7328-4e2e-4b88-afcc-e0b5ed3920cc", name: "away" };

function accessOf(given: Partial<KnownKey>, now = 0): Access {
  const budget = new Budget(1, 3);
  const key = { id: "k", permission: "write", namespace: HOME.id, expiresAt: undefined, budget, ...given };
  const cache = <V extends NonNullable<unknown>>(load: (key: string) => V | undefined) =>
    new LoadCache<V>({ max: 9, load: async (key) => load(key) });
  const known = {
    keys: cache((hash) => (hash === keyHash("fl_good") ? key : undefined)),
    namespaces: cache((idOrName) =>
      [HOME, AWAY].find(({ id, name }) => id === idOrName || name === idOrName),
    ),
  };
  return new Access(known, () => now);
}

const asking = (ns: string, authorization?: string) =>
  ({ headers: { authorization }, params: { ns } }) as unknown as FastifyRequest;

async function status(access: Access, needed: Permission = "read", ns = "home", header = "Bearer fl_good") {
  try {
    await access.namespace(asking(ns, header), needed);
    return 200;
  } catch (error) {
    return error instanceof Problem ? error.status : 500;
  }
}

describe("a key", () => {
  it("is good for its own namespace, by id and by name, as far as its permission goes", async () => {
    const statuses = async (key: Partial<KnownKey>) => [
      ...[await status(accessOf(key)), await status(accessOf(key), "write", HOME.id)],
      ...[await status(accessOf(key), "admin"), await status(accessOf(key), "read", "away")],
    ];
    expect(await statuses({ permission: "read" })).toEqual([200, 403, 403, 403]);
    expect(await statuses({ permission: "write" })).toEqual([200, 200, 403, 403]);
    expect(await statuses({ permission: "admin" })).toEqual([200, 200, 200, 403]);
    expect(await statuses({ permission: "admin", namespace: "" })).toEqual([200, 200, 200, 200]);
    expect(await statuses({ permission: "of another kind" })).toEqual([403, 403, 403, 403]);
  });

  it("is not told which namespaces there are, unless it is the installation's", async () => {
    expect(await status(accessOf({}), "read", "nowhere")).toBe(403);
    expect(await status(accessOf({ namespace: "" }), "read", "nowhere")).toBe(404);
  });

  it("may ask for so much at once, and not for more", async () => {
    const access = accessOf({});
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push(await status(access));
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it("is good until it expires", async () => {
    expect(await status(accessOf({ expiresAt: 10 }, 9))).toBe(200);
    expect(await status(accessOf({ expiresAt: 10 }, 10))).toBe(401);
  });

  it.each([
    ...["", "Bearer", "Bearer ", "fl_good", "Basic fl_good", "Bearer fl_good more", "Bearer fl_goo"],
    ...["Bearer fl_good, Bearer fl_good", `Bearer ${"a".repeat(2_000)}`, "Bearer fl_good\0"],
  ])("is not in %j", async (header) => {
    expect(await status(accessOf({}), "read", "home", header)).toBe(401);
  });
});
