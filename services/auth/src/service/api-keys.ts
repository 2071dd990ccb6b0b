import { randomBytes } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { INSTALLATION, limits } from "@fieldlog/contracts";
import {
  type ApiKey,
  apiKey,
  apiKeyId,
  createApiKey,
  HMAC,
  isGood,
  isValid,
  type NewApiKey,
  revokeApiKey,
  usualPermission,
} from "../decisions/api-key.js";
import { TooMany } from "../decisions/refusals.js";
import { newSecret } from "./api-key-text.js";
import type { Keyring } from "./keyring.js";
import { hashOf } from "./secret-hash.js";

/** Characters of a key of kind cred by which a list tells it; the others are 35, which nobody guesses. */
const PREFIX = 8;

export type AskedApiKey = Pick<NewApiKey, "name" | "kind" | "permission" | "namespace" | "expiresAt">;

export interface CreatedApiKey {
  readonly created: ApiKey;
  readonly secret: string;
  readonly sequence: number;
}

/** A key that signs, opened. */
export interface HmacKey {
  readonly key: ApiKey;
  readonly secret: string;
}

/** The id of a namespace's first key that signs, where it was made because none was there. */
const FIRST_HMAC = "hmac";

export interface ApiKeysParts {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly keyring: Keyring;
  /** Resolves when the read model has all that is in the log now. */
  readonly caughtUp: () => Promise<void>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Creates, checks and revokes API keys. Of a key, only its hash is kept; one that signs is kept sealed as well. */
export class ApiKeys {
  constructor(private readonly parts: ApiKeysParts) {}

  /** Raises InvalidField, TooMany. The key itself is in the answer and nowhere else. */
  async create(asked: AskedApiKey, decidedBy: string): Promise<CreatedApiKey> {
    // Of 2^64 ids one is taken that was given before: once in a very long time.
    return (
      (await this.begin(asked, decidedBy, randomBytes(8).toString("hex"))) ?? this.create(asked, decidedBy)
    );
  }

  /** undefined: there was a key of that id. */
  private async begin(asked: AskedApiKey, decidedBy: string, id: string): Promise<CreatedApiKey | undefined> {
    const { aggregates, keyring, now } = this.parts;
    const { namespace, kind } = asked;
    await this.checkRoom(asked);
    const secret = newSecret(kind);
    const key = {
      ...{ ...asked, id, keyHash: hashOf(secret), permission: asked.permission || usualPermission(kind) },
      ...(kind === "cred" ? { prefix: secret.slice(0, PREFIX) } : {}),
    };
    const sealed =
      kind === HMAC && namespace !== ""
        ? { sealedKey: await keyring.seal(namespace, Buffer.from(secret), contextOf(namespace, id)) }
        : {};
    const decide = createApiKey({ ...key, ...sealed }, now());
    const begun = await aggregates.begin(apiKey, apiKeyId(namespace, id), decide, decidedBy);
    return begun && { created: begun.state as ApiKey, secret, sequence: begun.sequence };
  }

  private async checkRoom({ namespace, kind }: AskedApiKey): Promise<void> {
    const owner = namespace === "" ? INSTALLATION : namespace;
    if ((await this.parts.snapshots.count(apiKey, owner)) >= limits.apiKeysPerNamespace) {
      throw new TooMany("API keys", limits.apiKeysPerNamespace);
    }
    if (kind === HMAC && (await this.goodHmacKeys(namespace)).length >= limits.hmacKeys) {
      throw new TooMany("HMAC keys", limits.hmacKeys);
    }
  }

  /**
   * The keys that sign and are good, the oldest first, as of all that is in the log.
   *
   * @param ensure whether one is made where there is none
   * @throws SnapshotsUnavailable, LogUnavailable, CannotOpen
   */
  async hmacKeys(namespace: string, ensure: boolean): Promise<HmacKey[]> {
    await this.parts.caughtUp();
    const keys = await this.goodHmacKeys(namespace);
    if (keys.length > 0 || !ensure) return Promise.all(keys.map((key) => this.opened(key)));
    const asked = {
      namespace,
      name: "made for the devices",
      kind: HMAC,
      permission: "",
      expiresAt: undefined,
    };
    const first = await this.begin(asked, "system", FIRST_HMAC);
    if (first) return [{ key: first.created, secret: first.secret }];
    // Somebody else has made it meanwhile, or it was revoked.
    await this.parts.caughtUp();
    if ((await this.goodHmacKeys(namespace)).length === 0) await this.create(asked, "system");
    return this.hmacKeys(namespace, false);
  }

  private async goodHmacKeys(namespace: string): Promise<ApiKey[]> {
    const now = this.parts.now();
    const all = await this.list(namespace);
    return all.filter((key) => key.kind === HMAC && isValid(key, now)).sort((a, b) => a.number - b.number);
  }

  private async opened(key: ApiKey): Promise<HmacKey> {
    if (key.sealedKey === undefined) throw new Error(`the HMAC key ${key.id} was not kept`);
    const { namespace, id } = key;
    const secret = await this.parts.keyring.unseal(namespace, key.sealedKey, contextOf(namespace, id));
    return { key, secret: secret.toString("utf8") };
  }

  /**
   * The key with that hash, on the newest state: one that was revoked is void as soon as the revocation is
   * in the log. undefined: no such key, or it has expired or been revoked.
   */
  async check(keyHash: Uint8Array): Promise<ApiKey | undefined> {
    if (keyHash.length !== 32) return undefined;
    const hash = Buffer.from(keyHash).toString("hex");
    for (const id of await this.parts.snapshots.find(apiKey, hash)) {
      const { state } = await this.parts.aggregates.current(apiKey, id);
      if (isGood(state, hash, this.parts.now())) return state;
    }
    return undefined;
  }

  /** All of a namespace (empty: the operator's), revoked ones too, as the read model has them. */
  async list(namespace: string): Promise<ApiKey[]> {
    const all = await this.parts.snapshots.list(apiKey, namespace === "" ? INSTALLATION : namespace);
    return all.flatMap(({ state }) => (state.phase === "none" ? [] : [state]));
  }

  /** Asked twice, succeeds twice. Raises NotFound. */
  async revoke(namespace: string, id: string, decidedBy: string): Promise<number> {
    const { snapshot } = await this.parts.aggregates.transact(
      apiKey,
      apiKeyId(namespace, id),
      revokeApiKey,
      decidedBy,
    );
    return snapshot.sequence;
  }
}

function contextOf(namespace: string, id: string): string {
  return `${namespace}/hmac-key/${id}`;
}
