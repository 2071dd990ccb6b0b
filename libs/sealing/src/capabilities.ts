import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";

/** What a token lets its bearer do. */
export interface Capability {
  /** Namespace id. */
  readonly namespace: string;
  /** What it is good for: an id, within the purpose. */
  readonly subject: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
}

const SALT = "fieldlog capabilities";
const KEY_BYTES = 32;
const MAC_BYTES = 32;
/** Characters of the longest token that is looked at. */
const LONGEST = 2_048;
const TOKEN = /^[A-Za-z0-9_-]+$/;

/**
 * Tokens that are good for one thing until a time, and need not be kept: whoever has the installation's key can tell
 * that it issued one. A token is base64url of HMAC-SHA256 (RFC 2104) and what it is the MAC of. The key is derived
 * from the installation's by HKDF (RFC 5869), another one for each purpose, so that a token of one opens no other.
 */
export class Capabilities {
  /** The first one issues; all open. */
  readonly #keys: readonly KeyObject[];

  /**
   * @param installationKeys the first one issues, tokens of all are opened
   * @param purpose such as "upload"; part of what is signed
   */
  constructor(installationKeys: readonly Uint8Array[], purpose: string) {
    this.#keys = installationKeys.map((key) => {
      const bytes = hkdfSync("sha256", key, SALT, purpose, KEY_BYTES);
      return createSecretKey(new Uint8Array(bytes));
    });
  }

  /** The same for the same capability, by the same key. */
  issue({ namespace, subject, expiresAt }: Capability): string {
    const content = Buffer.from(JSON.stringify([namespace, subject, expiresAt]), "utf8");
    const [first] = this.#keys as [KeyObject];
    return Buffer.concat([macBy(first, content), content]).toString("base64url");
  }

  /** What the token says, if it was issued here for this purpose; undefined otherwise. Whether it has expired is the caller's to see. */
  open(token: string): Capability | undefined {
    if (token.length > LONGEST || !TOKEN.test(token)) return undefined;
    const bytes = Buffer.from(token, "base64url");
    // One token has one form: what decodes to the same bytes is not it.
    if (bytes.length <= MAC_BYTES || bytes.toString("base64url") !== token) return undefined;
    const content = bytes.subarray(MAC_BYTES);
    const mac = bytes.subarray(0, MAC_BYTES);
    if (!this.#keys.some((key) => timingSafeEqual(mac, macBy(key, content)))) return undefined;
    const [namespace, subject, expiresAt] = JSON.parse(content.toString("utf8")) as [string, string, number];
    return { namespace, subject, expiresAt };
  }
}

function macBy(key: KeyObject, content: Buffer): Buffer {
  return createHmac("sha256", key).update(content).digest();
}
