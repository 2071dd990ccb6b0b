import { rpcFailure } from "@fieldlog/aggregates";
import { type auth, limits } from "@fieldlog/contracts";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { ApiKey } from "./decisions/api-key.js";
import type { CreatedNamespace } from "./decisions/namespace.js";
import { AlreadyExists, InvalidField, NotFound, TooMany } from "./decisions/refusals.js";
import type { ApiKeys } from "./service/api-keys.js";
import type { Credentials } from "./service/credentials.js";
import type { Namespaces } from "./service/namespaces.js";

export interface AuthParts {
  readonly namespaces: Namespaces;
  readonly apiKeys: ApiKeys;
  readonly credentials: Credentials;
  /** True as soon as queries see that sequence; false after the time (ms). */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly logger: Pick<Logger, "warn">;
}

/** fieldlog.auth.v1.AuthService: requests to calls, results to answers. */
export function authService(parts: AuthParts): ServiceImpl<typeof auth.AuthService> {
  const { namespaces, apiKeys, credentials } = parts;
  const seen = (sequence: number) => untilSeen(parts, sequence);
  return {
    getDeviceCredential: async ({ namespace, device }) => {
      if (!isId(namespace) || !isId(device)) throw new NotFound("credential");
      return credentials.get(namespace, device);
    },
    issueDeviceCredential: async ({ namespace, device, kind }) => {
      if (!isId(device)) throw new InvalidField("device", "is no id");
      const { secret, sequence } = await credentials.issue(namespace, device, kind);
      return { secret, sequence: BigInt(sequence) };
    },
    checkApiKey: async ({ keyHash }) => {
      const key = await apiKeys.check(keyHash);
      if (!key) throw new RpcError("unauthenticated", "no such API key, or it has expired or been revoked");
      return { key: toApiKey(key) };
    },
    createApiKey: async ({ decidedBy, ...asked }) => {
      const namespace = asked.namespace === "" ? "" : (await namespaces.get(asked.namespace)).id;
      const { created, secret, sequence } = await apiKeys.create({ ...asked, namespace }, decidedBy);
      await seen(sequence);
      return { key: toApiKey(created), secret, sequence: BigInt(sequence) };
    },
    listApiKeys: async ({ namespace }) => {
      const keys = namespace === "" || isId(namespace) ? await apiKeys.list(namespace) : [];
      return { keys: keys.map(toApiKey) };
    },
    revokeApiKey: async ({ namespace, id, decidedBy }) => {
      if ((namespace !== "" && !isId(namespace)) || !isId(id)) throw new NotFound("API key");
      const sequence = await apiKeys.revoke(namespace, id, decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
    createNamespace: async ({ name, decidedBy }) => {
      const { created, sequence } = await namespaces.create(name, decidedBy);
      await seen(sequence);
      return { namespace: toNamespace(created), sequence: BigInt(sequence) };
    },
    listNamespaces: async () => ({ namespaces: (await namespaces.list()).map(toNamespace) }),
    getNamespace: async ({ idOrName }) => ({ namespace: toNamespace(await namespaces.get(idOrName)) }),
  };
}

/** auth's refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof NotFound) return new RpcError("not_found", error.message);
  if (error instanceof AlreadyExists) return new RpcError("already_exists", error.message);
  if (error instanceof TooMany) return new RpcError("resource_exhausted", error.message);
  if (error instanceof InvalidField) {
    return new RpcError("invalid_argument", error.message, { field: error.field });
  }
  return rpcFailure(error);
}

/**
 * What was decided is answered when queries see it, or after 2 s, because the secret in the answer would
 * be lost otherwise.
 */
async function untilSeen({ waitFor, logger }: AuthParts, sequence: number): Promise<void> {
  const inTime = await waitFor(sequence, limits.readYourWritesMs).catch(() => false);
  if (!inTime) logger.warn({ sequence }, "answered before the read model has it");
}

/** Whether anything can go by that id at all. */
function isId(text: string): boolean {
  return text.length > 0 && text.length <= limits.idLength && !text.includes("\u0000");
}

function toNamespace({ id, name, createdAt }: CreatedNamespace) {
  return { id, name, createdAt: BigInt(createdAt) };
}

function toApiKey({ id, name, kind, permission, namespace, createdAt, expiresAt, revokedAt }: ApiKey) {
  return {
    ...{ id, name, kind, permission, namespace, createdAt: BigInt(createdAt) },
    ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: BigInt(revokedAt) }),
  };
}
