import { isId } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { NotFound } from "../../decisions/refusals.js";
import type { ProvisioningCalls, ProvisioningParts } from "./calls.js";
import { toToken } from "./messages.js";

type Calls =
  | "createProvisioningToken"
  | "listProvisioningTokens"
  | "regenerateProvisioningToken"
  | "setProvisioningTokenEnabled"
  | "setNamespaceEnabled";

/** What devices come with that nobody has registered yet, and whether a namespace's devices are let in at all. */
export function tokenCalls(parts: ProvisioningParts): Pick<ProvisioningCalls, Calls> {
  const { namespaces, tokens, registrations, seen } = parts;
  return {
    createProvisioningToken: async ({ namespace, token, decidedBy }) => {
      if (!token) throw new InvalidField("token", "is missing");
      const { found, secret, sequence } = await tokens.create(namespace, token, decidedBy);
      await seen(sequence);
      return { token: toToken(found, 0), secret, sequence: BigInt(sequence) };
    },
    listProvisioningTokens: async ({ namespace }) => {
      const found = await tokens.list(namespace);
      const counts = await registrations.countAll(found.map(({ id }) => id));
      return { tokens: found.map((token) => toToken(token, counts.get(token.id) ?? 0)) };
    },
    regenerateProvisioningToken: async ({ namespace, id, decidedBy }) => {
      checkIds(namespace, id);
      const { found, secret, sequence } = await tokens.regenerate(namespace, id, decidedBy);
      await seen(sequence);
      const counts = await registrations.countAll([id]);
      return { token: toToken(found, counts.get(id) ?? 0), secret, sequence: BigInt(sequence) };
    },
    setProvisioningTokenEnabled: async ({ namespace, id, enabled, decidedBy }) => {
      checkIds(namespace, id);
      const sequence = await tokens.setEnabled(namespace, id, enabled, decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
    setNamespaceEnabled: async ({ namespace, enabled, reason, decidedBy }) => {
      const sequence = await namespaces.setEnabled(namespace, enabled, reason, decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
  };
}

function checkIds(namespace: string, id: string): void {
  if (!isId(namespace) || !isId(id)) throw new NotFound("provisioning token");
}
