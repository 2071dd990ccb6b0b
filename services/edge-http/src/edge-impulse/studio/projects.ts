import type { IncomingHttpHeaders } from "node:http";
import { type Known, type KnownKey, type KnownNamespace, keyHash } from "@fieldlog/admission";
import type { auth } from "@fieldlog/contracts";
import { limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { LRUCache } from "lru-cache";
import { projectIdOf } from "./numbers.js";
import { refusals } from "./refusal.js";

const permissions = ["read", "write", "admin"] as const;
export type Permission = (typeof permissions)[number];

/** Characters of the longest thing that is looked up as a key. */
const LONGEST = 1_024;

/** Who asks, about which project. */
export interface Caller {
  readonly key: KnownKey;
  readonly namespace: KnownNamespace;
  /** As decisions name the caller. */
  readonly decidedBy: string;
}

export interface ProjectsParts {
  readonly known: Pick<Known, "keys" | "namespaces">;
  readonly auth: Pick<RpcClient<typeof auth.AuthService>, "listNamespaces">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** A key's projects: the dialect's name for namespaces, which it knows by number. */
export class Projects {
  private readonly found = new LRUCache<number, string>({ max: limits.namespaces });

  constructor(private readonly parts: ProjectsParts) {}

  /** By `x-api-key` or `x-jwt-token`, each of which is a key. Raises Refusal 401, 429. */
  async keyOf(headers: IncomingHttpHeaders): Promise<KnownKey> {
    const given = headers["x-api-key"] ?? headers["x-jwt-token"];
    const token = typeof given === "string" && given.length <= LONGEST ? given.trim() : "";
    const key = token === "" ? undefined : await this.parts.known.keys.get(keyHash(token));
    const now = this.parts.now();
    if (key === undefined || (key.expiresAt !== undefined && key.expiresAt <= now)) throw refusals.noKey();
    if (!key.budget.take(now)) throw refusals.tooMany();
    return key;
  }

  /** A key of the installation has them all. Raises Refusal 401. */
  async of(key: KnownKey): Promise<readonly KnownNamespace[]> {
    if (key.namespace === "") return (await this.parts.auth.listNamespaces({})).namespaces;
    const namespace = await this.parts.known.namespaces.get(key.namespace);
    if (namespace === undefined) throw refusals.noKey();
    return [namespace];
  }

  /** Raises Refusal 401, 403, 429: a project that the key is not good for is not told from one that is not there. */
  async caller(headers: IncomingHttpHeaders, project: string, needed: Permission): Promise<Caller> {
    const key = await this.keyOf(headers);
    const namespace = await this.find(key, /^\d{1,15}$/.test(project) ? Number(project) : Number.NaN);
    if (namespace === undefined) throw refusals.noProject();
    if (permissions.indexOf(key.permission as Permission) < permissions.indexOf(needed)) {
      throw refusals.insufficient(needed);
    }
    return { key, namespace, decidedBy: `key:${key.id}` };
  }

  private async find(key: KnownKey, project: number): Promise<KnownNamespace | undefined> {
    const seen = key.namespace === "" ? this.found.get(project) : undefined;
    const known = seen === undefined ? undefined : await this.parts.known.namespaces.get(seen);
    if (known !== undefined) return known;
    const namespace = (await this.of(key)).find(({ id }) => projectIdOf(id) === project);
    if (namespace !== undefined) this.found.set(project, namespace.id);
    return namespace;
  }
}
