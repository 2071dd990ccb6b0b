import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./provisioning-schemas.js";

const TOKENS = `${NAMESPACE}/provisioning-tokens`;
const OPERATIONS = `${NAMESPACE}/provisioning-operations`;
const admin = { access: "namespace-admin", query: NoQuery } as const;

/** How devices come in that nobody has registered, and whether a namespace's devices are let in at all. */
export const provisioningOperations = {
  createProvisioningToken: op({
    ...{ method: "post", path: TOKENS, ...admin, status: 201, writes: true },
    summary: "Makes what devices come with that nobody has registered; many may share one",
    body: schema.NewProvisioningToken,
    answer: schema.CreatedProvisioningToken,
  }),
  listProvisioningTokens: op({
    ...{ method: "get", path: TOKENS, ...admin, status: 200 },
    summary: "Provisioning tokens, without what is secret",
    answer: schema.ProvisioningTokens,
  }),
  regenerateProvisioningToken: op({
    ...{ method: "post", path: `${TOKENS}/{id}/regenerate`, ...admin, status: 200, writes: true },
    summary: "A new token in the place of the one before, which is good no more: also not for refreshing",
    answer: schema.CreatedProvisioningToken,
  }),
  disableProvisioningToken: op({
    ...{ method: "post", path: `${TOKENS}/{id}/disable`, ...admin, status: 204, writes: true },
    summary: "Lets no device in with it, until it is enabled",
  }),
  enableProvisioningToken: op({
    ...{ method: "post", path: `${TOKENS}/{id}/enable`, ...admin, status: 204, writes: true },
    summary: "Lets devices in with it again",
  }),
  listProvisioningOperations: op({
    ...{ method: "get", path: OPERATIONS, access: "reader", status: 200 },
    summary: "Devices that want in, or did, the newest first",
    query: schema.ProvisioningOperationsQuery,
    answer: schema.ProvisioningOperations,
  }),
  getProvisioningOperation: op({
    ...{ method: "get", path: `${OPERATIONS}/{id}`, access: "reader", status: 200 },
    summary: "One of them, by its id or its verification code",
    query: NoQuery,
    answer: schema.ProvisioningOperation,
    refusals: { 429: "Too many requests, or too many wrong codes" },
  }),
  approveProvisioning: op({
    ...{ method: "post", path: `${OPERATIONS}/{id}/approve`, access: "writer", status: 200, writes: true },
    summary: "Lets a device in, under its id or another one",
    query: NoQuery,
    body: schema.ProvisioningApproval,
    answer: schema.ProvisioningOperation,
  }),
  cancelProvisioning: op({
    ...{ method: "post", path: `${OPERATIONS}/{id}/cancel`, access: "writer", status: 204, writes: true },
    summary: "Does not let a device in",
    query: NoQuery,
  }),
  disableNamespace: op({
    ...{ method: "post", path: `${NAMESPACE}/disable`, ...admin, status: 204, writes: true },
    summary: "Refuses everything of its devices, until it is enabled; what people ask is answered as ever",
    body: schema.NamespaceDisabling,
  }),
  enableNamespace: op({
    ...{ method: "post", path: `${NAMESPACE}/enable`, ...admin, status: 204, writes: true },
    summary: "Takes what its devices send again",
  }),
} as const;
