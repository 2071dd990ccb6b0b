import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./tenancy-schemas.js";

/** How a namespace is set, who belongs to it, and the clearing of it or of one device. */
export const tenancyOperations = {
  getSettings: op({
    ...{ method: "get", path: `${NAMESPACE}/settings`, access: "reader", status: 200 },
    summary: "How a namespace is set",
    query: NoQuery,
    answer: schema.NamespaceSettings,
  }),
  changeSettings: op({
    ...{
      method: "patch",
      path: `${NAMESPACE}/settings`,
      access: "namespace-admin",
      status: 200,
      writes: true,
    },
    summary: "Sets what is given; the rest stays",
    query: NoQuery,
    body: schema.NamespaceSettingsChange,
    answer: schema.NamespaceSettings,
  }),
  listMembers: op({
    ...{ method: "get", path: `${NAMESPACE}/members`, access: "namespace-admin", status: 200 },
    summary: "People who belong to a namespace, by name",
    query: NoQuery,
    answer: schema.Members,
  }),
  setMember: op({
    ...{ method: "put", path: `${NAMESPACE}/members`, access: "namespace-admin", status: 200, writes: true },
    summary: "Adds a person, or changes the role; there is always an owner",
    query: NoQuery,
    body: schema.NewMember,
    answer: schema.Member,
  }),
  removeMember: op({
    ...{ method: "delete", path: `${NAMESPACE}/members/{user}`, access: "namespace-admin", status: 204 },
    writes: true,
    summary: "Removes a person, by user id",
    query: NoQuery,
  }),
  clearNamespace: op({
    ...{ method: "post", path: `${NAMESPACE}/clear`, access: "namespace-admin", status: 200, writes: true },
    summary:
      "Clears what the namespace's devices were and reported: logs, tables, readings. Its keys, members and settings stay. " +
      "Asked again, finishes what was broken off",
    query: NoQuery,
    answer: schema.ClearedNamespace,
  }),
  eraseDevice: op({
    ...{
      method: "post",
      path: `${NAMESPACE}/devices/{device}/erase`,
      access: "namespace-admin",
      status: 204,
    },
    writes: true,
    summary: "Removes a device and everything that is known of it; its keys are destroyed. Cannot be undone",
    query: NoQuery,
  }),
} as const;
