import type { KnownKey, KnownNamespace } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Permission } from "../access.js";
import { param, readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { operationJson, tokenJson } from "./provisioning-json.js";

/** How devices come in that nobody has registered; decided by auth. */
@Controller()
export class ProvisioningController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.createProvisioningToken)
  async createToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "admin");
    const { body } = readInput(operations.createProvisioningToken, request);
    const { expires, registrations, registrationLifetimeS, device = "", ...rest } = body;
    const { token, secret, sequence } = await this.parts.provisioning.createProvisioningToken({
      ...by,
      token: {
        ...rest,
        deviceId: device,
        ...(expires === undefined ? {} : { expiresAt: BigInt(Date.parse(expires)) }),
        ...(registrations === undefined ? {} : { registrations }),
        ...(registrationLifetimeS === undefined ? {} : { registrationLifetimeS }),
      },
    });
    this.wrote(reply, namespace, sequence);
    void reply.header("cache-control", "no-store");
    return { ...tokenJson(token), token: secret };
  }

  @Operates(operations.listProvisioningTokens)
  async listTokens(@Req() request: FastifyRequest) {
    const { by } = await this.asked(request, "admin");
    readInput(operations.listProvisioningTokens, request);
    const { tokens } = await this.parts.provisioning.listProvisioningTokens(by);
    return { tokens: tokens.map(tokenJson) };
  }

  @Operates(operations.regenerateProvisioningToken)
  async regenerateToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "admin");
    readInput(operations.regenerateProvisioningToken, request);
    const asked = { ...by, id: param(request, "id") };
    const { token, secret, sequence } = await this.parts.provisioning.regenerateProvisioningToken(asked);
    this.wrote(reply, namespace, sequence);
    void reply.header("cache-control", "no-store");
    return { ...tokenJson(token), token: secret };
  }

  @Operates(operations.disableProvisioningToken)
  async disableToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.setToken(request, reply, false);
  }

  @Operates(operations.enableProvisioningToken)
  async enableToken(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    await this.setToken(request, reply, true);
  }

  @Operates(operations.listProvisioningOperations)
  async list(@Req() request: FastifyRequest) {
    const { by } = await this.asked(request, "read");
    const { query } = readInput(operations.listProvisioningOperations, request);
    const { state = "", limit, before } = query;
    const found = await this.parts.provisioning.listProvisioningOperations({
      ...{ namespace: by.namespace, state, limit },
      ...(before === undefined ? {} : { before: BigInt(before) }),
    });
    const { next } = found;
    return {
      operations: found.operations.map(operationJson),
      next: next === undefined ? null : Number(next),
    };
  }

  @Operates(operations.getProvisioningOperation)
  async show(@Req() request: FastifyRequest) {
    const { by } = await this.asked(request, "read");
    readInput(operations.getProvisioningOperation, request);
    const { operation } = await this.parts.provisioning.getProvisioningOperation({
      ...{ namespace: by.namespace, idOrCode: param(request, "id"), askedBy: by.decidedBy },
    });
    return operationJson(operation);
  }

  @Operates(operations.approveProvisioning)
  async approve(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "write");
    const { body } = readInput(operations.approveProvisioning, request);
    const { device = "", registrationLifetimeS } = body;
    const { operation, sequence } = await this.parts.provisioning.approveProvisioning({
      ...{ ...by, id: param(request, "id"), deviceId: device },
      ...(registrationLifetimeS === undefined ? {} : { registrationLifetimeS }),
    });
    this.wrote(reply, namespace, sequence);
    return operationJson(operation);
  }

  @Operates(operations.cancelProvisioning)
  async cancel(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "write");
    readInput(operations.cancelProvisioning, request);
    const { sequence } = await this.parts.provisioning.cancelProvisioning({
      ...{ ...by, id: param(request, "id") },
    });
    this.wrote(reply, namespace, sequence);
  }

  @Operates(operations.disableNamespace)
  async disable(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "admin");
    const { body } = readInput(operations.disableNamespace, request);
    const asked = { ...by, enabled: false, reason: body.reason };
    const { sequence } = await this.parts.provisioning.setNamespaceEnabled(asked);
    this.wrote(reply, namespace, sequence);
  }

  @Operates(operations.enableNamespace)
  async enable(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { by, namespace } = await this.asked(request, "admin");
    readInput(operations.enableNamespace, request);
    const { sequence } = await this.parts.provisioning.setNamespaceEnabled({ ...by, enabled: true });
    this.wrote(reply, namespace, sequence);
  }

  private async asked(request: FastifyRequest, needed: Permission) {
    const { key, namespace } = await this.parts.access.namespace(request, needed);
    return { namespace, by: byOf(key, namespace) };
  }

  private async setToken(request: FastifyRequest, reply: FastifyReply, enabled: boolean): Promise<void> {
    const { by, namespace } = await this.asked(request, "admin");
    const operation = enabled ? operations.enableProvisioningToken : operations.disableProvisioningToken;
    readInput(operation, request);
    const asked = { ...by, id: param(request, "id"), enabled };
    const { sequence } = await this.parts.provisioning.setProvisioningTokenEnabled(asked);
    this.wrote(reply, namespace, sequence);
  }

  private wrote(reply: FastifyReply, { id, name }: KnownNamespace, sequence: bigint): void {
    this.parts.ownWrites.note(id, REGISTRY, Number(sequence));
    // Here at once; elsewhere as soon as the decision is heard of.
    this.parts.known.namespaces.invalidate(id);
    this.parts.known.namespaces.invalidate(name);
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function byOf(key: KnownKey, namespace: KnownNamespace) {
  return { namespace: namespace.id, decidedBy: `key:${key.id}` };
}
