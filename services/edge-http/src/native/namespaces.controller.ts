import type { KnownKey } from "@fieldlog/admission";
import { positionOf, REGISTRY } from "@fieldlog/contracts";
import { Controller, Inject, Req, Res } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { param, readInput } from "./input.js";
import { hmacKeyJson, keyJson, namespaceJson, retentionJson } from "./json.js";
import { Operates } from "./operates.js";
import { operations } from "./operations.js";
import { NATIVE, type NativeParts } from "./parts.js";
import type { NewApiKey } from "./schemas.js";

/** Namespaces, and the API keys of each and of the installation: decided by auth. */
@Controller()
export class NamespacesController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.createNamespace)
  async createNamespace(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const key = await this.parts.access.installation(request);
    const { name, openToCsn, shard } = readInput(operations.createNamespace, request).body;
    const { namespace, sequence } = await this.parts.auth.createNamespace({
      ...{ name, openToCsn, decidedBy: askedBy(key) },
      ...(shard === undefined ? {} : { shard }),
    });
    if (namespace === undefined) throw new Error("auth answered without a namespace");
    this.wrote(reply, namespace.id, sequence);
    this.parts.known.namespaces.invalidate(namespace.name);
    return namespaceJson(namespace);
  }

  @Operates(operations.listNamespaces)
  async listNamespaces(@Req() request: FastifyRequest) {
    await this.parts.access.installation(request);
    readInput(operations.listNamespaces, request);
    const { namespaces } = await this.parts.auth.listNamespaces({});
    return { namespaces: namespaces.map(namespaceJson) };
  }

  @Operates(operations.getRetention)
  async getRetention(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "read");
    readInput(operations.getRetention, request);
    const found = await this.parts.auth.getNamespace({ idOrName: namespace.id });
    return retentionJson(found.namespace?.retention);
  }

  @Operates(operations.setRetention)
  async setRetention(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "admin");
    const { body } = readInput(operations.setRetention, request);
    const { measurementDays, logDays } = body;
    const retention = {
      ...(measurementDays === null ? {} : { measurementDays }),
      ...(logDays === null ? {} : { logDays }),
    };
    const { sequence } = await this.parts.auth.setRetention({
      ...{ namespace: namespace.id, retention, decidedBy: askedBy(key) },
    });
    this.wrote(reply, namespace.id, sequence);
    return body;
  }

  @Operates(operations.createNamespaceKey)
  async createNamespaceKey(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { key, namespace } = await this.parts.access.namespace(request, "admin");
    const { body } = readInput(operations.createNamespaceKey, request);
    return this.createKey(reply, key, namespace.id, body);
  }

  @Operates(operations.listNamespaceKeys)
  async listNamespaceKeys(@Req() request: FastifyRequest) {
    const { namespace } = await this.parts.access.namespace(request, "admin");
    readInput(operations.listNamespaceKeys, request);
    return this.listKeys(namespace.id);
  }

  @Operates(operations.revokeNamespaceKey)
  async revokeNamespaceKey(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { key, namespace } = await this.parts.access.namespace(request, "admin");
    readInput(operations.revokeNamespaceKey, request);
    await this.revokeKey(reply, key, namespace.id, param(request, "id"));
  }

  @Operates(operations.listHmacKeys)
  async listHmacKeys(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { namespace } = await this.parts.access.namespace(request, "admin");
    readInput(operations.listHmacKeys, request);
    const { keys } = await this.parts.auth.listHmacKeys({ namespace: namespace.id });
    void reply.header("cache-control", "no-store");
    return { keys: keys.map(hmacKeyJson) };
  }

  @Operates(operations.createOperatorKey)
  async createOperatorKey(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const key = await this.parts.access.installation(request);
    const { body } = readInput(operations.createOperatorKey, request);
    return this.createKey(reply, key, "", body);
  }

  @Operates(operations.listOperatorKeys)
  async listOperatorKeys(@Req() request: FastifyRequest) {
    await this.parts.access.installation(request);
    readInput(operations.listOperatorKeys, request);
    return this.listKeys("");
  }

  @Operates(operations.revokeOperatorKey)
  async revokeOperatorKey(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const key = await this.parts.access.installation(request);
    readInput(operations.revokeOperatorKey, request);
    await this.revokeKey(reply, key, "", param(request, "id"));
  }

  private async createKey(
    reply: FastifyReply,
    caller: KnownKey,
    namespace: string,
    body: z.output<typeof NewApiKey>,
  ) {
    const { kind, permission = "", name, expires } = body;
    const { key, secret, sequence } = await this.parts.auth.createApiKey({
      ...{ namespace, kind, permission, name, decidedBy: askedBy(caller) },
      ...(expires === undefined ? {} : { expiresAt: BigInt(Date.parse(expires)) }),
    });
    if (key === undefined) throw new Error("auth answered without a key");
    this.parts.known.hmacKeys.invalidate(namespace);
    this.wrote(reply, namespace, sequence);
    void reply.header("cache-control", "no-store");
    return { ...keyJson(key), key: secret };
  }

  private async listKeys(namespace: string) {
    const { keys } = await this.parts.auth.listApiKeys({ namespace });
    return { keys: keys.map(keyJson) };
  }

  private async revokeKey(
    reply: FastifyReply,
    caller: KnownKey,
    namespace: string,
    id: string,
  ): Promise<void> {
    const { sequence } = await this.parts.auth.revokeApiKey({ namespace, id, decidedBy: askedBy(caller) });
    this.parts.known.keys.invalidateWhere((key) => key.id === id);
    this.parts.known.hmacKeys.invalidate(namespace);
    this.wrote(reply, namespace, sequence);
  }

  private wrote(reply: FastifyReply, namespace: string, sequence: bigint): void {
    this.parts.ownWrites.note(namespace, REGISTRY, Number(sequence));
    void reply.header("fieldlog-position", String(positionOf(Number(sequence), 0)));
  }
}

function askedBy(key: KnownKey): string {
  return `key:${key.id}`;
}
