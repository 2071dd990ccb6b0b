import { limits } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import { LastOwner, NotFound, TooMany } from "./refusals.js";

// Ids: all members of a namespace are one aggregate, so that two decisions at once cannot leave it without an
// owner.

export function membersOf(namespace: string) {
  return { namespace, id: "all" };
}

export const ROLES = ["owner", "editor", "reader"] as const;
export type Role = (typeof ROLES)[number];

// Events: MemberAdded, MemberRemoved. Their names and fields are the storage format of the permanent log.

// State

export interface Member {
  readonly userId: string;
  readonly userName: string;
  readonly role: Role;
}

/** none: nothing was decided; the user who made the namespace, if a user did, is its owner. */
export type Members =
  | { readonly phase: "none" }
  | { readonly phase: "decided"; readonly members: readonly Member[] };

export const members: Decider<Members> = {
  kind: "member",
  initial: { phase: "none" },
  evolve: (state, { event }) => {
    const before = state.phase === "none" ? [] : state.members;
    switch (event.case) {
      case "memberAdded": {
        const { userId, userName, role } = event.value;
        const member = { userId, userName, role: role as Role };
        return { phase: "decided", members: [...without(before, userId), member] };
      }
      case "memberRemoved":
        return { phase: "decided", members: without(before, event.value.userId) };
      default:
        return state;
    }
  },
};

/** Who made the namespace; undefined: no user. */
export type Founder = Pick<Member, "userId" | "userName"> | undefined;

/** The members that a namespace has, decided or not. */
export function effectiveMembers(state: Members, founder: Founder): readonly Member[] {
  if (state.phase === "decided") return state.members;
  return founder ? [{ ...founder, role: "owner" }] : [];
}

// Decisions

/**
 * Adds a member, or changes a member's role. To the same: nothing. Refuses InvalidField, TooMany, and
 * LastOwner: a namespace that has an owner keeps one.
 */
export function setMember(asked: Pick<Member, "userId" | "userName"> & { role: string }, founder: Founder) {
  return (state: Members): Outcome<Member> => {
    const role = ROLES.find((known) => known === asked.role);
    if (!role) throw new InvalidField("role", `must be one of ${ROLES.join(", ")}`);
    const member = { userId: asked.userId, userName: asked.userName, role };
    const before = effectiveMembers(state, founder);
    const is = before.find(({ userId }) => userId === member.userId);
    if (is?.role === role) return { events: [], result: is };
    if (!is && before.length >= limits.membersPerNamespace) {
      throw new TooMany("members", limits.membersPerNamespace);
    }
    keepsOwner(before, [...without(before, member.userId), member]);
    return { events: [...first(state, founder), added(member)], result: member };
  };
}

/** Refuses NotFound (no such member), LastOwner. */
export function removeMember(userId: string, founder: Founder) {
  return (state: Members): Outcome<undefined> => {
    const before = effectiveMembers(state, founder);
    const after = without(before, userId);
    if (after.length === before.length) throw new NotFound("member");
    keepsOwner(before, after);
    const removed: RegistryEvent = { event: { case: "memberRemoved", value: { userId } } };
    return { events: [...first(state, founder), removed], result: undefined };
  };
}

/** The first decision records the founder, so that from then on the members are what was decided. */
function first(state: Members, founder: Founder): RegistryEvent[] {
  return state.phase === "none" ? effectiveMembers(state, founder).map(added) : [];
}

function added(member: Member): RegistryEvent {
  return { event: { case: "memberAdded", value: { ...member } } };
}

function keepsOwner(before: readonly Member[], after: readonly Member[]): void {
  if (before.some(isOwner) && !after.some(isOwner)) throw new LastOwner();
}

function isOwner({ role }: Member): boolean {
  return role === "owner";
}

function without(members: readonly Member[], userId: string): Member[] {
  return members.filter((member) => member.userId !== userId);
}
