import { z } from "zod";
import { type Operation, ofWorkspace } from "../operation.js";
import { duration, NewToken } from "./operator-json.js";

const text = z.string().max(512);
const id = z.string().min(1).max(128);

export const Init = z.object({
  deviceId: z.string().max(512).nullish(),
  attributes: z.record(text, text).nullish(),
});
export const Complete = z.object({ provisioningOperationId: text.min(1) });
export const Register = z.object({ connectionStringType: z.literal("SharedAccessSignature").optional() });
export const Refresh = z.object({ registrationToken: text.min(1) });
export const Approve = z.object({
  provisioningOperationId: id.optional(),
  verificationCode: id.optional(),
  deviceId: z.string().max(128).nullish(),
  registrationTokenLifetime: duration.nullish(),
});
export const Cancel = z.object({ provisioningOperationId: id });
export const One = z.object({ provisioningTokenId: id });

const GONE = "The operation was cancelled, or has expired: see type";

/** How devices come in, and who lets them: section B2. */
export const provisioningOperations = {
  init: {
    ...{ name: "init", method: "POST", path: "/provisioning-operations/init", by: "provisioningToken" },
    ...{
      summary: "A device wants in",
      body: Init,
      statuses: { 200: "The operation, and its verification code" },
    },
  },
  complete: {
    ...{
      name: "complete",
      method: "PUT",
      path: "/provisioning-operations/complete",
      by: "provisioningToken",
    },
    ...{ summary: "A device asks whether it was let in", body: Complete, refusals: { 410: GONE } },
    statuses: { 200: "Its registration token; those before are void", 202: "Not approved yet" },
  },
  register: {
    ...{ name: "register", method: "PUT", path: "/devices/register", by: "registrationToken" },
    ...{
      summary: "A device gets what it connects with",
      body: Register,
      statuses: { 200: "The connection string" },
    },
  },
  refresh: {
    ...{
      name: "refresh",
      method: "PUT",
      path: "/devices/registration-tokens/refresh",
      by: "provisioningToken",
    },
    ...{ summary: "A new registration token in exchange for one", body: Refresh },
    statuses: { 200: "Another, again: that which it was exchanged for before is void", 201: "The new one" },
    refusals: { 410: "The registration token has expired or was revoked" },
  },
  getWorkspace: ofWorkspace({
    ...{ name: "getWorkspace", method: "GET", path: "", needs: "read", statuses: { 200: "The workspace" } },
    summary: "The namespace, as a workspace",
  }),
  createToken: ofWorkspace({
    ...{ name: "createToken", method: "POST", path: "/provisioning-tokens/create", needs: "admin" },
    ...{ summary: "Creates a provisioning token", body: NewToken, statuses: { 200: "It, shown this once" } },
  }),
  listTokens: ofWorkspace({
    ...{ name: "listTokens", method: "GET", path: "/provisioning-tokens", needs: "admin" },
    ...{ summary: "Provisioning tokens, without what is secret", statuses: { 200: "All" } },
  }),
  regenerateToken: ofWorkspace({
    ...{ name: "regenerateToken", method: "PUT", path: "/provisioning-tokens/regenerate", needs: "admin" },
    ...{ summary: "Another provisioning token in the place of one", body: One },
    statuses: { 200: "It, shown this once" },
  }),
  listOperations: ofWorkspace({
    ...{ name: "listOperations", method: "GET", path: "/provisioning-operations", needs: "read" },
    ...{ summary: "Devices that want in", statuses: { 200: "The newest" } },
  }),
  getOperation: ofWorkspace({
    ...{ name: "getOperation", method: "GET", path: "/provisioning-operations/:operation", needs: "read" },
    ...{ summary: "One of them, by its id or verification code", statuses: { 200: "It" } },
  }),
  approve: ofWorkspace({
    ...{ name: "approve", method: "PUT", path: "/provisioning-operations/approve", needs: "write" },
    ...{ summary: "Lets a device in", body: Approve, refusals: { 410: GONE } },
    statuses: { 200: "The operation, approved" },
  }),
  cancel: ofWorkspace({
    ...{ name: "cancel", method: "PUT", path: "/provisioning-operations/cancel", needs: "write" },
    ...{
      summary: "Does not let a device in",
      body: Cancel,
      refusals: { 410: GONE },
      statuses: { 204: "Cancelled" },
    },
  }),
  deleteDevice: ofWorkspace({
    ...{ name: "deleteDevice", method: "DELETE", path: "/devices/:device/delete", needs: "admin" },
    ...{ summary: "Removes a device; its tokens are void", statuses: { 204: "Removed" } },
  }),
} as const satisfies Record<string, Operation>;
