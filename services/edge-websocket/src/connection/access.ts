import { type Known, type KnownKey, type KnownNamespace, keyHash } from "@fieldlog/admission";
import { Failure } from "./failure.js";

/** Who speaks on a connection, and in which namespace. */
export interface Caller {
  readonly key: KnownKey;
  /** The key's name in caches. */
  readonly hash: string;
  readonly namespace: KnownNamespace;
}

/** The API key of the request's header; undefined: it shows none. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S{1,1024}) *$/i.exec(header ?? "")?.[1];
}

/** Raises Failure 401, 403, 404; RpcError. */
export async function callerOf(
  known: Pick<Known, "keys" | "namespaces">,
  key: string | undefined,
  namespace: string | undefined,
  now: number,
): Promise<Caller> {
  const hash = keyHash(key ?? "");
  const found = key === undefined ? undefined : await known.keys.get(hash);
  if (found === undefined || (found.expiresAt !== undefined && found.expiresAt <= now)) {
    throw new Failure(
      401,
      "Give an API key that is valid: Authorization: Bearer <key>, or `key` in the first message.",
    );
  }
  const wanted = namespace ?? found.namespace;
  if (wanted === "") throw new Failure(400, "Say which namespace: this key is good for all.");
  const where = await known.namespaces.get(wanted);
  if (where === undefined && found.namespace === "")
    throw new Failure(404, `There is no namespace "${wanted}".`);
  if (where === undefined || (found.namespace !== "" && found.namespace !== where.id)) {
    throw new Failure(403, "This key is not good for this namespace.");
  }
  return { key: found, hash, namespace: where };
}
