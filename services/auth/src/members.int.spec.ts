import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startPair, startReplica } from "./replica.fixture.js";

let pair: Awaited<ReturnType<typeof startPair>>;
let one: Replica;
let two: Replica;
/** Ids by name. */
const users: Record<string, string> = {};
beforeAll(async () => {
  pair = await startPair();
  ({ one, two } = pair);
  for (const name of ["ash", "ivy", "una"]) {
    users[name] = (await one.client.createUser({ name, password: "12345678" })).userId;
  }
});
afterAll(() => pair?.stop());

const by = { decidedBy: "user:test" };
const idOf = (name: string) => users[name] as string;

async function create(name: string, owner = "ash"): Promise<string> {
  const { namespace } = await one.client.createNamespace({ name, owner: owner && idOf(owner), ...by });
  return namespace?.id as string;
}
const set = (replica: Replica, namespace: string, userName: string, role: string) =>
  replica.client.setMember({ namespace, userName, role, ...by });
const remove = (replica: Replica, namespace: string, name: string) =>
  replica.client.removeMember({ namespace, userId: idOf(name), ...by });
const role = async (replica: Replica, namespace: string, name: string) =>
  (await replica.client.getRole({ namespace, userId: idOf(name) })).role;
const listed = async (replica: Replica, namespace: string) =>
  (await replica.client.listMembers({ namespace })).members.map(
    (member) => `${member.userName} ${member.role}`,
  );
const namespacesOf = async (replica: Replica, name: string) =>
  (await replica.client.listUserNamespaces({ userId: idOf(name) })).namespaces.map(
    (found) => `${found.namespace?.name} ${found.role}`,
  );
const noOwner = { code: "failed_precondition" };
const notFound = { code: "not_found" };

describe("a namespace that a user made", () => {
  it("is that user's, at once and on every replica, and nobody else's", async () => {
    const id = await create("m-roofs");
    expect(await role(two, id, "ash")).toBe("owner");
    expect(await role(two, id, "ivy")).toBe("");
    expect(await listed(two, id)).toEqual(["ash owner"]);
    expect(await namespacesOf(two, "ash")).toContain("m-roofs owner");
    expect(await namespacesOf(two, "ivy")).not.toContain("m-roofs owner");
  });

  it("needs a user who is there", async () => {
    for (const owner of ["ash", "00000000-0000-4000-8000-000000000000", "\u0000"]) {
      await expect(one.client.createNamespace({ name: "m-nobodys", owner, ...by })).rejects.toMatchObject({
        code: "invalid_argument",
        details: { field: "owner" },
      });
    }
  });

  it("has members with roles, which change at once for every replica", async () => {
    const id = await create("m-cellars");
    const { member } = await set(one, id, "ivy", "editor");
    expect(member).toMatchObject({ userId: idOf("ivy"), userName: "ivy", role: "editor" });
    expect(await role(two, id, "ivy")).toBe("editor");
    expect(await namespacesOf(two, "ivy")).toContain("m-cellars editor");
    await set(two, id, "ivy", "owner");
    expect(await role(one, id, "ivy")).toBe("owner");
    expect(await listed(one, id)).toEqual(["ash owner", "ivy owner"]);
    await remove(two, id, "ash");
    for (const replica of [one, two]) {
      expect(await role(replica, id, "ash")).toBe("");
      expect(await namespacesOf(replica, "ash")).not.toContain("m-cellars owner");
      expect(await listed(replica, id)).toEqual(["ivy owner"]);
    }
  });

  it("does not lose its last owner", async () => {
    const id = await create("m-fields");
    await expect(set(one, id, "ash", "reader")).rejects.toMatchObject(noOwner);
    await expect(remove(one, id, "ash")).rejects.toMatchObject(noOwner);
    expect(await role(one, id, "ash")).toBe("owner");
  });

  it("does not lose its last two owners at once", async () => {
    for (let i = 0; i < 5; i++) {
      const id = await create(`m-race-${i}`);
      await set(one, id, "ivy", "owner");
      const ended = await Promise.allSettled([remove(one, id, "ash"), set(two, id, "ivy", "reader")]);
      expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(ended.find(({ status }) => status === "rejected")).toMatchObject({ reason: noOwner });
      expect((await listed(one, id)).filter((member) => member.endsWith(" owner"))).toHaveLength(1);
    }
  });

  it("takes several members at once", async () => {
    const id = await create("m-crowd");
    await Promise.all([set(one, id, "ivy", "reader"), set(two, id, "una", "editor")]);
    expect(await listed(one, id)).toEqual(["ash owner", "ivy reader", "una editor"]);
  });
});

describe("a namespace that no user made", () => {
  it("has no members until some are set, and may be without an owner", async () => {
    const id = await create("m-operators", "");
    expect(await listed(one, id)).toEqual([]);
    expect(await role(one, id, "ash")).toBe("");
    await set(one, id, "una", "reader");
    expect(await listed(two, id)).toEqual(["una reader"]);
    await remove(two, id, "una");
    expect(await listed(one, id)).toEqual([]);
  });

  it("that always exists has members like any other", async () => {
    await set(one, "default", "una", "editor");
    expect(await role(two, "default", "una")).toBe("editor");
    expect(await namespacesOf(two, "una")).toContain("default editor");
  });
});

it("what is not there is not found, and a role that is none is refused by its field", async () => {
  const id = await create("m-errors");
  await expect(set(one, id, "nobody", "reader")).rejects.toMatchObject(notFound);
  await expect(remove(one, id, "una")).rejects.toMatchObject(notFound);
  await expect(set(one, id, "ivy", "admin")).rejects.toMatchObject({
    code: "invalid_argument",
    details: { field: "role" },
  });
  for (const namespace of ["nothing", "m-errors", "", "\u0000", "00000000-0000-4000-8000-000000000000"]) {
    await expect(role(one, namespace, "ash")).rejects.toMatchObject(notFound);
    await expect(listed(one, namespace)).rejects.toMatchObject(notFound);
    await expect(set(one, namespace, "ivy", "reader")).rejects.toMatchObject(notFound);
    await expect(remove(one, namespace, "ash")).rejects.toMatchObject(notFound);
  }
});

it("all of a user's namespaces are listed by name, more than sixteen of them, those of another owner too", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `u-${String(i).padStart(2, "0")}`);
  for (const name of names) await create(name, "una");
  await set(one, await create("u-00a", "ash"), "una", "reader");
  const found = (await namespacesOf(two, "una")).filter((text) => text.startsWith("u-"));
  expect(found).toEqual([...names.map((name) => `${name} owner`), "u-00a reader"].sort());
  const answer = await two.client.listUserNamespaces({ userId: idOf("una") });
  expect(answer.namespaces[0]?.namespace).toMatchObject({
    name: "default",
    retention: { logDays: 56 },
  });
  expect((await one.client.listUserNamespaces({ userId: "nobody" })).namespaces).toEqual([]);
});

it("members and lists are the same when they are built anew from the log", async () => {
  const before = await namespacesOf(one, "ash");
  const anew = await startReplica({ ...pair.urls, postgresUrl: await pair.servers.databaseUrl("anew") });
  try {
    await until("built", async () => (await anew.runtime.health.report()).ready);
    await until("the same", async () => (await namespacesOf(anew, "ash")).length === before.length);
    expect(await namespacesOf(anew, "ash")).toEqual(before);
  } finally {
    await anew.close();
  }
});
