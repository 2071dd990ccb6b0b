import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION } from "@fieldlog/contracts";
import {
  effectiveMembers,
  type Founder,
  type Member,
  members,
  membersOf,
  ROLES,
  type Role,
  removeMember,
  setMember,
} from "../decisions/members.js";
import { type CreatedNamespace, namespace } from "../decisions/namespace.js";
import { memberKey, ownerKey } from "../read-model.js";
import type { Namespaces } from "./namespaces.js";
import type { Users } from "./users.js";

export interface MembershipsOptions {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly namespaces: Namespaces;
  readonly users: Users;
}

/** Who may do what in a namespace. Namespaces go by their ids. */
export class Memberships {
  constructor(private readonly options: MembershipsOptions) {}

  /** On the newest state. undefined: none. Raises NotFound (the namespace). */
  async role(id: string, userId: string): Promise<Role | undefined> {
    const { state } = await this.options.aggregates.current(members, membersOf(id));
    if (state.phase === "none") {
      const { owner } = await this.options.namespaces.withId(id);
      return owner !== "" && owner === userId ? "owner" : undefined;
    }
    return state.members.find((member) => member.userId === userId)?.role;
  }

  /** By user name, on the newest state. Raises NotFound (the namespace). */
  async list(id: string): Promise<readonly Member[]> {
    const founder = await this.founder(id);
    const { state } = await this.options.aggregates.current(members, membersOf(id));
    return [...effectiveMembers(state, founder)].sort((a, b) => compare(a.userName, b.userName));
  }

  /** Raises NotFound (the namespace, the user), InvalidField, LastOwner, TooMany. */
  async set(id: string, asked: { userName: string; role: string }, decidedBy: string) {
    const founder = await this.founder(id);
    const user = await this.options.users.named(asked.userName);
    const decide = setMember({ userId: user.id, userName: user.name, role: asked.role }, founder);
    const done = await this.options.aggregates.transact(members, membersOf(id), decide, decidedBy);
    return { member: done.result, sequence: done.snapshot.sequence };
  }

  /** Raises NotFound (the namespace, the member), LastOwner. */
  async remove(id: string, userId: string, decidedBy: string): Promise<number> {
    const decide = removeMember(userId, await this.founder(id));
    const { snapshot } = await this.options.aggregates.transact(members, membersOf(id), decide, decidedBy);
    return snapshot.sequence;
  }

  /** The namespaces in which a user has a role, by name, as the read model has them. */
  async namespacesOf(userId: string): Promise<{ namespace: CreatedNamespace; role: Role }[]> {
    const { snapshots } = this.options;
    const made = (await this.namespacesBy([ownerKey(userId)])).map(({ id }) => id);
    // Before the roles are read: they have all that is decided here.
    const decided = new Set((await snapshots.findAll(members, made)).map(({ key }) => key));
    const roles = new Map<string, Role>();
    for (const id of made) if (!decided.has(id)) roles.set(id, "owner");
    const roleOf = new Map(ROLES.map((role) => [memberKey(role, userId), role]));
    for (const { key, namespace: id } of await snapshots.findAll(members, [...roleOf.keys()])) {
      roles.set(id, roleOf.get(key) as Role);
    }
    return (await this.namespacesBy([...roles.keys()]))
      .map((found) => ({ namespace: found, role: roles.get(found.id) as Role }))
      .sort((a, b) => compare(a.namespace.name, b.namespace.name));
  }

  private async namespacesBy(keys: readonly string[]): Promise<CreatedNamespace[]> {
    const { snapshots } = this.options;
    const names = (await snapshots.findAll(namespace, keys)).map(({ id }) => id);
    const found = await snapshots.loadAll(namespace, INSTALLATION, names);
    return found.flatMap(({ state }) => (state.phase === "created" ? [state] : []));
  }

  private async founder(id: string): Promise<Founder> {
    const { owner } = await this.options.namespaces.withId(id);
    if (owner === "") return undefined;
    const { id: userId, name: userName } = await this.options.users.withId(owner);
    return { userId, userName };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
