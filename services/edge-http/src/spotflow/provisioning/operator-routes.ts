import type { KnownKey, KnownNamespace, OwnWrites } from "@fieldlog/admission";
import { type auth, type devices, type provisioning, REGISTRY } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Access, Permission } from "../../native/access.js";
import { time } from "../../native/json.js";
import { bodyOf, type Method, type ServeOptions, serve } from "../serve.js";
import { duration, NewToken, newToken, operationJson, tokenJson } from "./operator-json.js";

export interface OperatorRoutesParts {
  readonly access: Access;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly ownWrites: OwnWrites;
}

interface Asked {
  readonly key: KnownKey;
  readonly namespace: KnownNamespace;
  readonly request: FastifyRequest;
  readonly decidedBy: string;
}

const id = z.string().min(1).max(128);
const Approve = z.object({
  provisioningOperationId: id.optional(),
  verificationCode: id.optional(),
  deviceId: z.string().max(128).nullish(),
  registrationTokenLifetime: duration.nullish(),
});
const Cancel = z.object({ provisioningOperationId: id });
const One = z.object({ provisioningTokenId: id });
/** Of one list: the newest. */
const LIST = 1_000;

/** What operators of the dialect ask, by a native key as Bearer: section B2. */
export function operatorRoutes(
  app: FastifyInstance,
  parts: OperatorRoutesParts,
  options: ServeOptions,
): void {
  const { provisioning: client } = parts;
  const add = (
    method: Method,
    path: string,
    name: string,
    needs: Permission,
    handle: (asked: Asked) => Promise<object | undefined>,
  ) =>
    serve(app, options, { method, url: `/workspaces/:ns${path}`, name }, async (request) => {
      const { key, namespace } = await parts.access.namespace(request, needs);
      return handle({ key, namespace, request, decidedBy: `key:${key.id}` });
    });
  add("GET", "", "getWorkspace", "read", async ({ namespace }) => {
    const found = (await parts.auth.getNamespace({ idOrName: namespace.id })).namespace;
    if (found === undefined) throw new Error("auth answered without a namespace");
    const { name, createdAt, disabled } = found;
    return { id: found.id, name, displayName: name, createdTime: time(createdAt), isDisabled: disabled };
  });
  add("POST", "/provisioning-tokens/create", "createToken", "admin", async ({ namespace, ...asked }) => {
    const token = newToken(bodyOf(NewToken, asked.request));
    const { decidedBy } = asked;
    const created = await client.createProvisioningToken({ namespace: namespace.id, token, decidedBy });
    return { ...tokenJson(created.token), provisioningToken: created.secret };
  });
  add("GET", "/provisioning-tokens", "listTokens", "admin", async ({ namespace }) => {
    const { tokens } = await client.listProvisioningTokens({ namespace: namespace.id });
    return { provisioningTokens: tokens.map(tokenJson) };
  });
  add(
    "PUT",
    "/provisioning-tokens/regenerate",
    "regenerateToken",
    "admin",
    async ({ namespace, ...asked }) => {
      const { provisioningTokenId } = bodyOf(One, asked.request);
      const which = { namespace: namespace.id, id: provisioningTokenId, decidedBy: asked.decidedBy };
      const { token, secret } = await client.regenerateProvisioningToken(which);
      return { ...tokenJson(token), provisioningToken: secret };
    },
  );
  add("GET", "/provisioning-operations", "listOperations", "read", async ({ namespace }) => {
    const asked = { namespace: namespace.id, state: "pending", limit: LIST };
    const { operations } = await client.listProvisioningOperations(asked);
    return { provisioningOperations: operations.map(operationJson) };
  });
  add("GET", "/provisioning-operations/:operation", "getOperation", "read", async (asked) => {
    const { namespace, request, decidedBy } = asked;
    const { operation: idOrCode } = request.params as { operation: string };
    const which = { namespace: namespace.id, idOrCode, askedBy: decidedBy };
    return operationJson((await client.getProvisioningOperation(which)).operation);
  });
  add("PUT", "/provisioning-operations/approve", "approve", "write", (asked) => approve(parts, asked));
  add("PUT", "/provisioning-operations/cancel", "cancel", "write", async ({ namespace, ...asked }) => {
    const { provisioningOperationId } = bodyOf(Cancel, asked.request);
    const which = { namespace: namespace.id, id: provisioningOperationId, decidedBy: asked.decidedBy };
    await client.cancelProvisioning(which);
    return undefined;
  });
  add("DELETE", "/devices/:device/delete", "deleteDevice", "write", (asked) => removeDevice(parts, asked));
}

async function approve(
  { provisioning: client }: OperatorRoutesParts,
  { namespace, request, decidedBy }: Asked,
) {
  const { provisioningOperationId, verificationCode, deviceId, registrationTokenLifetime } = bodyOf(
    Approve,
    request,
  );
  const lifetime = registrationTokenLifetime ?? undefined;
  let which = provisioningOperationId ?? "";
  if (verificationCode !== undefined) {
    const asked = { namespace: namespace.id, idOrCode: verificationCode, askedBy: decidedBy };
    which = (await client.getProvisioningOperation(asked)).operation?.id ?? "";
  }
  const { operation } = await client.approveProvisioning({
    ...{ namespace: namespace.id, id: which, deviceId: deviceId ?? "", decidedBy },
    ...(lifetime === undefined ? {} : { registrationLifetimeS: lifetime }),
  });
  return operationJson(operation);
}

async function removeDevice(parts: OperatorRoutesParts, { namespace, request, decidedBy }: Asked) {
  const { device } = request.params as { device: string };
  const asked = { namespace: namespace.id, device, decidedBy };
  // First, so that it is refused from the moment on that it is gone.
  await parts.auth.revokeDeviceCredentials(asked);
  const { sequence } = await parts.devices.removeDevice(asked);
  parts.ownWrites.note(namespace.id, REGISTRY, Number(sequence));
  return undefined;
}
