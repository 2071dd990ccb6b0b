import { type Decided, snapshotModel } from "@fieldlog/aggregates";
import type { AggregateId } from "@fieldlog/contracts";
import type { ReadModelDefinition } from "@fieldlog/read-model";
import { type ApiKeyState, apiKey, HMAC } from "./decisions/api-key.js";
import { type Credential, credential } from "./decisions/credential.js";
import { type Members, members, type Role } from "./decisions/members.js";
import { type Namespace, namespace } from "./decisions/namespace.js";
import { type ProvisioningOperation, provisioningOperation } from "./decisions/provisioning-operation.js";
import { type ProvisioningToken, provisioningToken } from "./decisions/provisioning-token.js";
import { hashesOf, type Registration, registration } from "./decisions/registration.js";
import { type User, user } from "./decisions/user.js";
import { codeKey } from "./service/provisioning/operations.js";
import { tokenKey } from "./service/provisioning/registrations.js";

/** auth's schema in Postgres. */
export const SCHEMA = "auth";

/** Of namespaces that a user made. */
export function ownerKey(userId: string): string {
  return `owner/${userId}`;
}

/** Of namespaces' members in which a user has that role. */
export function memberKey(role: Role, userId: string): string {
  return `${role}/${userId}`;
}

/**
 * Sessions are not in it: they are looked up by their id alone, and would stay in its tables for ever.
 * Raise `version` when a state, or what it is found by, changes.
 */
export const readModel: ReadModelDefinition<Decided> = snapshotModel({
  version: 9,
  kinds: [
    {
      decider: namespace,
      keys: (state: Namespace) => {
        if (state.phase === "none") return [];
        return state.owner === "" ? [state.id] : [state.id, ownerKey(state.owner)];
      },
    },
    {
      decider: apiKey,
      keys: (state: ApiKeyState) => (state.phase === "live" && state.kind !== HMAC ? [state.hash] : []),
    },
    {
      decider: credential,
      keys: (state: Credential, { id: device }: AggregateId) =>
        state.mqttPassword === undefined ? [] : [device],
    },
    { decider: user, keys: (state: User) => (state.phase === "created" ? [state.id] : []) },
    {
      // The namespace's id as well, by which it is known that its members were decided.
      decider: members,
      keys: (state: Members, { namespace: id }: AggregateId) =>
        state.phase === "none"
          ? []
          : [id, ...state.members.map(({ role, userId }) => memberKey(role, userId))],
    },
    {
      decider: provisioningToken,
      keys: (state: ProvisioningToken) => (state.phase === "none" ? [] : [state.hash]),
    },
    {
      decider: provisioningOperation,
      keys: (state: ProvisioningOperation, { namespace: id }: AggregateId) =>
        state.phase === "none" ? [] : [codeKey(id, state.code)],
    },
    {
      decider: registration,
      keys: (state: Registration) =>
        state.phase === "live" ? [...hashesOf(state), tokenKey(state.provisioningToken)] : [],
    },
  ],
});
