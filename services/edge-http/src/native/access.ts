import { type Known, type KnownKey, type KnownNamespace, keyHash } from "@fieldlog/admission";
import type { FastifyRequest } from "fastify";
import { Problem } from "./problem.js";

const permissions = ["read", "write", "admin"] as const;
export type Permission = (typeof permissions)[number];

/** Characters of the longest thing that is looked up as a key. */
const LONGEST = 1_024;
const UNAUTHENTICATED = "Give an API key that is valid: Authorization: Bearer <key>.";

/** The API key that the request shows; empty: none that could be one. */
export function tokenOf(request: Pick<FastifyRequest, "headers">): string {
  const header = request.headers.authorization ?? "";
  return /^bearer +(\S+) *$/i.exec(header.length <= LONGEST ? header : "")?.[1] ?? "";
}

/** Who may do what with the native API. */
export class Access {
  constructor(
    private readonly known: Pick<Known, "keys" | "namespaces">,
    private readonly now: () => number,
  ) {}

  /** Raises Problem 401, 429. */
  async caller(request: FastifyRequest): Promise<KnownKey> {
    const token = tokenOf(request);
    const key = token === "" ? undefined : await this.known.keys.get(keyHash(token));
    const now = this.now();
    if (key === undefined || (key.expiresAt !== undefined && key.expiresAt <= now)) {
      throw new Problem(401, UNAUTHENTICATED);
    }
    if (!key.budget.take(now)) throw new Problem(429, "Too many requests with this key.", { retryAfterS: 1 });
    return key;
  }

  /** A key for all namespaces, with permission admin. Raises Problem 401, 403, 429. */
  async installation(request: FastifyRequest): Promise<KnownKey> {
    const key = await this.caller(request);
    if (key.namespace !== "" || key.permission !== "admin") {
      throw new Problem(403, "This takes a key of the installation with permission admin.");
    }
    return key;
  }

  /**
   * The namespace of the path, by id or name, for a key that may do this there. Raises Problem 401, 403, 429;
   * 404 only to who may see all namespaces.
   */
  async namespace(
    request: FastifyRequest,
    needed: Permission,
  ): Promise<{ key: KnownKey; namespace: KnownNamespace }> {
    const key = await this.caller(request);
    const idOrName = (request.params as { ns: string }).ns;
    const namespace = await this.known.namespaces.get(idOrName);
    if (namespace === undefined && key.namespace === "") {
      throw new Problem(404, `There is no namespace "${idOrName}".`);
    }
    if (namespace === undefined || (key.namespace !== "" && key.namespace !== namespace.id)) {
      throw new Problem(403, "This key is not good for this namespace.");
    }
    if (permissions.indexOf(key.permission as Permission) < permissions.indexOf(needed)) {
      throw new Problem(403, `This takes a key with permission ${needed}.`);
    }
    return { key, namespace };
  }
}
