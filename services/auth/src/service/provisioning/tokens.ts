import { randomBytes, randomUUID } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import {
  admits,
  type CreatedProvisioningToken,
  createProvisioningToken,
  type NewProvisioningToken,
  provisioningToken,
  regenerate,
  setEnabled,
} from "../../decisions/provisioning-token.js";
import { NotFound, NotGood, TooMany } from "../../decisions/refusals.js";
import type { Lookup } from "../lookup.js";
import { hashOf } from "../secret-hash.js";

const SECRET_BYTES = 32;
export const HASH_BYTES = 32;

/** A provisioning token with where it belongs. */
export interface FoundToken {
  readonly namespace: string;
  readonly id: string;
  readonly token: CreatedProvisioningToken;
}

export interface ProvisioningTokensParts {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly lookup: Lookup;
  /** Raises NotFound unless there is a namespace with that id. */
  readonly checkNamespace: (id: string) => Promise<unknown>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Creates, lists and checks provisioning tokens. Of a token, only its hash is kept. */
export class ProvisioningTokens {
  constructor(private readonly parts: ProvisioningTokensParts) {}

  /** The token itself is in the answer and nowhere else. Raises InvalidField, NotFound, TooMany. */
  async create(namespace: string, asked: Omit<NewProvisioningToken, "tokenHash">, decidedBy: string) {
    const { aggregates, snapshots, checkNamespace, now } = this.parts;
    await checkNamespace(namespace);
    if ((await snapshots.count(provisioningToken, namespace)) >= limits.provisioningTokens) {
      throw new TooMany("provisioning tokens", limits.provisioningTokens);
    }
    const secret = newToken();
    const id = randomUUID();
    const decide = createProvisioningToken({ ...asked, tokenHash: hashOf(secret) }, now());
    const { snapshot } = await aggregates.transact(provisioningToken, { namespace, id }, decide, decidedBy);
    const token = snapshot.state as CreatedProvisioningToken;
    return { found: { namespace, id, token }, secret, sequence: snapshot.sequence };
  }

  /** All of a namespace, the oldest first, as the read model has them. */
  async list(namespace: string): Promise<FoundToken[]> {
    const all = await this.parts.snapshots.list(provisioningToken, namespace);
    const found = all.flatMap(({ id, state }) =>
      state.phase === "created" ? [{ namespace, id, token: state }] : [],
    );
    return found.sort((a, b) => a.token.number - b.token.number);
  }

  /** Raises NotFound. */
  async regenerate(namespace: string, id: string, decidedBy: string) {
    const secret = newToken();
    const decide = regenerate(hashOf(secret));
    const { snapshot } = await this.parts.aggregates.transact(
      provisioningToken,
      { namespace, id },
      decide,
      decidedBy,
    );
    const token = snapshot.state as CreatedProvisioningToken;
    return { found: { namespace, id, token }, secret, sequence: snapshot.sequence };
  }

  /** Asked twice, succeeds twice. Raises NotFound. */
  async setEnabled(namespace: string, id: string, enabled: boolean, decidedBy: string): Promise<number> {
    const { snapshot } = await this.parts.aggregates.transact(
      provisioningToken,
      { namespace, id },
      setEnabled(enabled),
      decidedBy,
    );
    return snapshot.sequence;
  }

  /** The good one with that hash, on the newest state. Raises NotGood. */
  async withHash(tokenHash: Uint8Array): Promise<FoundToken> {
    const { lookup, aggregates, now } = this.parts;
    if (tokenHash.length !== HASH_BYTES) throw new NotGood("provisioning token");
    const hash = Buffer.from(tokenHash).toString("hex");
    const [found] = await lookup.find(provisioningToken, hash, async ({ namespace, id }) => {
      const { state } = await aggregates.current(provisioningToken, { namespace, id });
      return admits(state, hash, now()) ? { namespace, id, token: state } : undefined;
    });
    if (!found) throw new NotGood("provisioning token");
    return found;
  }

  /** Whatever it is now. Raises NotFound. */
  async withId(namespace: string, id: string): Promise<CreatedProvisioningToken> {
    const { state } = await this.parts.aggregates.current(provisioningToken, { namespace, id });
    if (state.phase === "none") throw new NotFound("provisioning token");
    return state;
  }
}

function newToken(): string {
  return `pt_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}
