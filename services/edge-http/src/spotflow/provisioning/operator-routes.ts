import type { OwnWrites } from "@fieldlog/admission";
import { type auth, type devices, type provisioning, REGISTRY } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance } from "fastify";
import type { Access } from "../../native/access.js";
import { param } from "../../native/input.js";
import { time } from "../../native/json.js";
import type { OperatorOperation } from "../operation.js";
import { type Asked, bodyOf, type ServeOptions, serveOperator } from "../serve.js";
import { NewToken, newToken, operationJson, tokenJson } from "./operator-json.js";
import { Approve, Cancel, One, provisioningOperations as own } from "./provisioning-operations.js";

export interface OperatorRoutesParts {
  readonly access: Access;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly ownWrites: OwnWrites;
}

/** Of one list: the newest. */
const LIST = 1_000;

/** What operators of the dialect ask, by a native key as Bearer: section B2. */
export function operatorRoutes(
  app: FastifyInstance,
  parts: OperatorRoutesParts,
  options: ServeOptions,
): void {
  const { provisioning: client } = parts;
  const add = (operation: OperatorOperation, handle: (asked: Asked) => Promise<object | undefined>) =>
    serveOperator(app, options, parts.access, operation, handle);
  add(own.getWorkspace, async ({ namespace }) => {
    const found = (await parts.auth.getNamespace({ idOrName: namespace.id })).namespace;
    if (found === undefined) throw new Error("auth answered without a namespace");
    const { name, createdAt, disabled } = found;
    return { id: found.id, name, displayName: name, createdTime: time(createdAt), isDisabled: disabled };
  });
  add(own.createToken, async ({ namespace, ...asked }) => {
    const token = newToken(bodyOf(NewToken, asked.request));
    const { decidedBy } = asked;
    const created = await client.createProvisioningToken({ namespace: namespace.id, token, decidedBy });
    return { ...tokenJson(created.token), provisioningToken: created.secret };
  });
  add(own.listTokens, async ({ namespace }) => {
    const { tokens } = await client.listProvisioningTokens({ namespace: namespace.id });
    return { provisioningTokens: tokens.map(tokenJson) };
  });
  add(own.regenerateToken, async ({ namespace, ...asked }) => {
    const { provisioningTokenId } = bodyOf(One, asked.request);
    const which = { namespace: namespace.id, id: provisioningTokenId, decidedBy: asked.decidedBy };
    const { token, secret } = await client.regenerateProvisioningToken(which);
    return { ...tokenJson(token), provisioningToken: secret };
  });
  add(own.listOperations, async ({ namespace }) => {
    const asked = { namespace: namespace.id, state: "pending", limit: LIST };
    const { operations } = await client.listProvisioningOperations(asked);
    return { provisioningOperations: operations.map(operationJson) };
  });
  add(own.getOperation, async (asked) => {
    const { namespace, request, decidedBy } = asked;
    const idOrCode = param(request, "operation");
    const which = { namespace: namespace.id, idOrCode, askedBy: decidedBy };
    return operationJson((await client.getProvisioningOperation(which)).operation);
  });
  add(own.approve, (asked) => approve(parts, asked));
  add(own.cancel, async ({ namespace, ...asked }) => {
    const { provisioningOperationId } = bodyOf(Cancel, asked.request);
    const which = { namespace: namespace.id, id: provisioningOperationId, decidedBy: asked.decidedBy };
    await client.cancelProvisioning(which);
    return undefined;
  });
  add(own.deleteDevice, (asked) => removeDevice(parts, asked));
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
