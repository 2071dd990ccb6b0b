import { isId } from "@fieldlog/contracts";
import { NotFound } from "../decisions/refusals.js";
import type { Answering, AuthCalls } from "./calls.js";
import { toNamespace } from "./namespaces.js";

type Calls = "listUserNamespaces" | "getRole" | "listMembers" | "setMember" | "removeMember";

/** Users' roles in namespaces. */
export function memberCalls({ memberships, seen }: Answering): Pick<AuthCalls, Calls> {
  return {
    listUserNamespaces: async ({ userId }) => {
      const found = isId(userId) ? await memberships.namespacesOf(userId) : [];
      return {
        namespaces: found.map(({ namespace, role }) => ({ namespace: toNamespace(namespace), role })),
      };
    },
    getRole: async ({ namespace, userId }) => {
      checkNamespaceId(namespace);
      return { role: (await memberships.role(namespace, userId)) ?? "" };
    },
    listMembers: async ({ namespace }) => {
      checkNamespaceId(namespace);
      return { members: [...(await memberships.list(namespace))] };
    },
    setMember: async ({ namespace, userName, role, decidedBy }) => {
      checkNamespaceId(namespace);
      const { member, sequence } = await memberships.set(namespace, { userName, role }, decidedBy);
      await seen(sequence);
      return { member, sequence: BigInt(sequence) };
    },
    removeMember: async ({ namespace, userId, decidedBy }) => {
      checkNamespaceId(namespace);
      const sequence = await memberships.remove(namespace, userId, decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
  };
}

function checkNamespaceId(id: string): void {
  if (!isId(id)) throw new NotFound("namespace");
}
