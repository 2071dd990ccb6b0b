import { deviceKey, type Known, type KnownDeviceSession, type KnownKey, keyHash } from "@fieldlog/admission";
import { type Operation, type Permission, permissions } from "./operations.js";
import { refusals } from "./refusal.js";
import type { CredRequest } from "./request.js";

const TOKEN = /^[0-9a-f]{64}$/;
/** Characters of the longest thing that is looked up as an API key. */
const LONGEST = 1_024;
/** The namespace of keys that are good for all. */
const DEFAULT = "default";

/** A client that logged in; what it may do is what its key may now. */
export type Client = KnownDeviceSession;

/** Who asks, and what they may do (B4). */
export class Access {
  constructor(
    private readonly known: Pick<Known, "deviceSessions" | "keys" | "namespaces" | "registered">,
    private readonly now: () => number,
  ) {}

  /** By the cookie or the body's field. Raises Refusal 401, 403, 423, 429. */
  async client({ cookie, fields }: CredRequest, needed: Operation["who"]): Promise<Client> {
    const token = sessionKeyIn(cookie) ?? fields.get("sessionKey");
    if (typeof token !== "string" || !TOKEN.test(token)) throw refusals.notAuthenticated();
    const client = await this.known.deviceSessions.get(keyHash(token));
    if (client === undefined || this.hasExpired(client.key)) throw refusals.notAuthenticated();
    if (rank(client.key.permission) < rank(needed)) throw refusals.insufficient();
    this.spend(client.key);
    // Its session outlives it: it is kept with what belongs to the installation.
    const name = deviceKey(client.namespace, client.device);
    if ((await this.known.registered.get(name)) === undefined) throw refusals.notAuthenticated();
    if ((await this.known.namespaces.get(client.namespace))?.disabled) throw refusals.disabled();
    return client;
  }

  /** The key that a client logs in with, and where. Raises Refusal 401, 423, 429. */
  async apiKey(given: unknown): Promise<{ hash: Uint8Array; key: KnownKey; namespace: string }> {
    if (typeof given !== "string" || given === "" || given.length > LONGEST) throw refusals.invalidApiKey();
    const hash = keyHash(given);
    const key = await this.known.keys.get(hash);
    if (key === undefined || this.hasExpired(key)) throw refusals.invalidApiKey();
    this.spend(key);
    const namespace = await this.known.namespaces.get(key.namespace || DEFAULT);
    if (namespace === undefined) throw refusals.invalidApiKey();
    if (namespace.disabled) throw refusals.disabled();
    return { hash: Buffer.from(hash, "hex"), key, namespace: namespace.id };
  }

  private hasExpired({ expiresAt }: KnownKey): boolean {
    return expiresAt !== undefined && expiresAt <= this.now();
  }

  private spend({ budget }: KnownKey): void {
    if (!budget.take(this.now())) throw refusals.tooMany(1);
  }
}

/** Below 0: a permission that cred does not have. */
function rank(permission: string): number {
  return permissions.indexOf(permission as Permission);
}

/** What a Cookie header has under the name. */
export function sessionKeyIn(cookie = ""): string | undefined {
  // Two runs that may both hold the same space would be tried in every other way.
  return /(?:^|;)\s*sessionKey="?([^;"]*)(?:"\s*)?(?:;|$)/.exec(cookie)?.[1];
}
