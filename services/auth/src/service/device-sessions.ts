import { randomBytes } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import { InvalidField } from "@fieldlog/decider";
import type { ApiKey } from "../decisions/api-key.js";
import { session, sessionOf, startDeviceSession } from "../decisions/session.js";
import type { ApiKeys } from "./api-keys.js";
import { hashOf } from "./secret-hash.js";

const HASH_BYTES = 32;

/** What a device's session opens. */
export interface OpenDeviceSession {
  /** As it is now. */
  readonly key: ApiKey;
  /** Id. */
  readonly namespace: string;
  readonly device: string;
}

/** Starts and checks sessions of devices that present an API key. Of a token, only its hash is kept. */
export class DeviceSessions {
  constructor(
    /** Without a read model: a session's history is two decisions at most. */
    private readonly aggregates: Aggregates,
    private readonly apiKeys: Pick<ApiKeys, "check">,
  ) {}

  /** The token is in the answer and nowhere else. undefined: no such key. Raises InvalidField. */
  async start(
    keyHash: Uint8Array,
    namespace: string,
    device: string,
  ): Promise<{ token: string; sequence: number } | undefined> {
    const key = await this.apiKeys.check(keyHash);
    if (!key) return undefined;
    if (key.namespace !== "" && key.namespace !== namespace) {
      throw new InvalidField("namespace", "is another than the key's");
    }
    const token = randomBytes(32).toString("hex");
    const decide = startDeviceSession({ apiKey: key.id, apiKeyHash: keyHash, namespace, device });
    const begun = await this.aggregates.begin(session, sessionOf(hashOf(token)), decide, `device:${device}`);
    // Of 2^256 tokens one is taken that was given before: never, but then another one is.
    return begun ? { token, sequence: begun.sequence } : this.start(keyHash, namespace, device);
  }

  /** On the newest state of session and key. undefined: none, ended, or its key is good no more. */
  async check(tokenHash: Uint8Array): Promise<OpenDeviceSession | undefined> {
    if (tokenHash.length !== HASH_BYTES) return undefined;
    const { state } = await this.aggregates.current(session, sessionOf(tokenHash));
    if (state.phase !== "of a device") return undefined;
    const key = await this.apiKeys.check(state.apiKeyHash);
    return key && { key, namespace: state.namespace, device: state.device };
  }
}
