import { randomBytes } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION, limits } from "@fieldlog/contracts";
import {
  type ApiKey,
  apiKey,
  apiKeyId,
  createApiKey,
  isGood,
  type NewApiKey,
  revokeApiKey,
} from "../decisions/api-key.js";
import { TooMany } from "../decisions/refusals.js";
import { newSecret } from "./api-key-text.js";
import { hashOf } from "./secret-hash.js";

/** Characters of a key of kind cred by which a list tells it; the others are 35, which nobody guesses. */
const PREFIX = 8;

export type AskedApiKey = Pick<NewApiKey, "name" | "kind" | "permission" | "namespace" | "expiresAt">;

/** Creates, checks and revokes API keys. Of a key, only its hash is kept. */
export class ApiKeys {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly snapshots: Snapshots,
    private readonly now: () => number = Date.now,
  ) {}

  /** Raises InvalidField, TooMany. The key itself is in the answer and nowhere else. */
  async create(
    asked: AskedApiKey,
    decidedBy: string,
  ): Promise<{ created: ApiKey; secret: string; sequence: number }> {
    const owner = asked.namespace === "" ? INSTALLATION : asked.namespace;
    if ((await this.snapshots.count(apiKey, owner)) >= limits.apiKeysPerNamespace) {
      throw new TooMany("API keys", limits.apiKeysPerNamespace);
    }
    const secret = newSecret(asked.kind);
    const id = randomBytes(8).toString("hex");
    const prefix = asked.kind === "cred" ? { prefix: secret.slice(0, PREFIX) } : {};
    const decide = createApiKey({ ...asked, ...prefix, id, keyHash: hashOf(secret) }, this.now());
    const begun = await this.aggregates.begin(apiKey, apiKeyId(asked.namespace, id), decide, decidedBy);
    // Of 2^64 ids one is taken that was given before: once in a very long time.
    return begun
      ? { created: begun.state as ApiKey, secret, sequence: begun.sequence }
      : this.create(asked, decidedBy);
  }

  /**
   * The key with that hash, on the newest state: one that was revoked is void as soon as the revocation is
   * in the log. undefined: no such key, or it has expired or been revoked.
   */
  async check(keyHash: Uint8Array): Promise<ApiKey | undefined> {
    if (keyHash.length !== 32) return undefined;
    const hash = Buffer.from(keyHash).toString("hex");
    for (const id of await this.snapshots.find(apiKey, hash)) {
      const { state } = await this.aggregates.current(apiKey, id);
      if (isGood(state, hash, this.now())) return state;
    }
    return undefined;
  }

  /** All of a namespace (empty: the operator's), revoked ones too, as the read model has them. */
  async list(namespace: string): Promise<ApiKey[]> {
    const all = await this.snapshots.list(apiKey, namespace === "" ? INSTALLATION : namespace);
    return all.flatMap(({ state }) => (state.phase === "none" ? [] : [state]));
  }

  /** Asked twice, succeeds twice. Raises NotFound. */
  async revoke(namespace: string, id: string, decidedBy: string): Promise<number> {
    const { snapshot } = await this.aggregates.transact(
      apiKey,
      apiKeyId(namespace, id),
      revokeApiKey,
      decidedBy,
    );
    return snapshot.sequence;
  }
}
