import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import { effectiveMembers, type Members, members, type Role, removeMember, setMember } from "./members.js";

const ash = { userId: "1", userName: "ash" };
const ivy = { userId: "2", userName: "ivy" };
const founder = ash;
const added = (who: typeof ash, role: Role): RegistryEvent => ({
  event: { case: "memberAdded", value: { ...who, role } },
});
const removed = ({ userId }: typeof ash): RegistryEvent => ({
  event: { case: "memberRemoved", value: { userId } },
});
const set = (who: typeof ash, role: string) => setMember({ ...who, role }, founder);
const remove = ({ userId }: typeof ash) => removeMember(userId, founder);

function given(...events: RegistryEvent[]): Members {
  const decision = create(registry.DecisionSchema, { events });
  return fold(members, { state: members.initial, sequence: 0 }, 1, decision).state;
}
const roles = (state: Members) =>
  effectiveMembers(state, founder).map(({ userName, role }) => `${userName} ${role}`);

describe("before anything is decided", () => {
  test("the user who made the namespace is its owner", () => {
    expect(roles(given())).toEqual(["ash owner"]);
  });

  test("nobody is a member of a namespace that no user made", () => {
    expect(effectiveMembers(given(), undefined)).toEqual([]);
  });
});

describe("adding a member", () => {
  test("the first time, records the founder as well", () => {
    const { events, result } = set(ivy, "editor")(given());
    expect(events).toEqual([added(ash, "owner"), added(ivy, "editor")]);
    expect(result).toEqual({ ...ivy, role: "editor" });
    expect(roles(given(...events))).toEqual(["ash owner", "ivy editor"]);
    const { events: next } = set(ivy, "reader")(given(...events));
    expect(next).toEqual([added(ivy, "reader")]);
  });

  test("again with another role changes the role; with the same, nothing", () => {
    const state = given(added(ash, "owner"), added(ivy, "editor"), added(ivy, "owner"));
    expect(roles(state)).toEqual(["ash owner", "ivy owner"]);
    expect(set(ivy, "owner")(state)).toEqual({ events: [], result: { ...ivy, role: "owner" } });
    expect(set(ash, "owner")(given()).events).toEqual([]);
  });

  test("needs a role that there is", () => {
    expect(() => set(ivy, "admin")(given())).toThrow(
      expect.objectContaining({ name: "InvalidField", field: "role" }),
    );
  });

  test("of a namespace that no user made may leave it without an owner, as it was", () => {
    const { events } = setMember({ ...ivy, role: "reader" }, undefined)(given());
    expect(events).toEqual([added(ivy, "reader")]);
    expect(removeMember(ivy.userId, undefined)(given(...events)).events).toEqual([removed(ivy)]);
  });

  test("ends at the limit; those who are members can still be given another role", () => {
    const crowd = Array.from({ length: limits.membersPerNamespace - 1 }, (_, i) =>
      added({ userId: `u${i}`, userName: `u${i}` }, "reader"),
    );
    const state = given(added(ash, "owner"), ...crowd);
    expect(() => set(ivy, "reader")(state)).toThrow("there are 1000 members already");
    expect(set({ userId: "u0", userName: "u0" }, "editor")(state).events).toHaveLength(1);
  });
});

describe("the last owner", () => {
  const alone = given(added(ash, "owner"), added(ivy, "editor"));
  const both = given(added(ash, "owner"), added(ivy, "owner"));

  test("cannot be demoted nor leave, decided or not", () => {
    for (const state of [given(), alone]) {
      expect(() => set(ash, "editor")(state)).toThrow("the namespace would have no owner");
      expect(() => remove(ash)(state)).toThrow("the namespace would have no owner");
    }
  });

  test("can once there is another", () => {
    expect(set(ash, "reader")(both).events).toEqual([added(ash, "reader")]);
    expect(remove(ash)(both).events).toEqual([removed(ash)]);
  });

  test("who has left has no role any more, though the namespace was made by that user", () => {
    expect(roles(given(added(ash, "owner"), added(ivy, "owner"), removed(ash)))).toEqual(["ivy owner"]);
  });
});

test("only a member can be removed", () => {
  expect(() => remove(ivy)(given())).toThrow("no such member");
  expect(() => remove(ivy)(given(added(ash, "owner"), added(ivy, "reader"), removed(ivy)))).toThrow(
    "no such member",
  );
});
