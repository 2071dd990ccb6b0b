import { isId } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { ApiKey } from "../decisions/api-key.js";
import { NotFound } from "../decisions/refusals.js";
import type { HmacKey } from "../service/api-keys.js";
import type { Answering, AuthCalls } from "./calls.js";

type Calls = "checkApiKey" | "createApiKey" | "listApiKeys" | "revokeApiKey" | "listHmacKeys";

/** API keys, of namespaces and the operator's. */
export function apiKeyCalls({ apiKeys, namespaces, seen }: Answering): Pick<AuthCalls, Calls> {
  return {
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
    listHmacKeys: async ({ namespace, ensure }) => {
      const keys = await apiKeys.hmacKeys((await namespaces.withId(namespace)).id, ensure);
      return { keys: keys.map(toHmacKey) };
    },
  };
}

function toHmacKey({ key: { id, name, createdAt, expiresAt }, secret }: HmacKey) {
  const expires = expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) };
  return { id, name, key: secret, createdAt: BigInt(createdAt), ...expires };
}

/** As calls answer it. */
export function toApiKey(key: ApiKey) {
  const { id, name, kind, permission, namespace, createdAt, expiresAt, revokedAt, number, prefix } = key;
  return {
    ...{ id, name, kind, permission, namespace, createdAt: BigInt(createdAt) },
    ...{ number: BigInt(number), prefix: prefix ?? "" },
    ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: BigInt(revokedAt) }),
  };
}
