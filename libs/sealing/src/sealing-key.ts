import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";

/** Bytes of a key (AES-256). */
export const KEY_BYTES = 32;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What {@link SealingKey.seal} makes: the fields of `fieldlog.registry.v1.SealedBox`. */
export interface Sealed {
  /** Which key opens it. */
  readonly keyId: string;
  /** 12 bytes, random for each box. */
  readonly nonce: Uint8Array;
  /** The 16 byte tag stands at its end. */
  readonly ciphertext: Uint8Array;
}

/** A box stays closed: it was sealed by another key, or it is not what was sealed for this context. */
export class CannotOpen extends Error {
  override readonly name = "CannotOpen";
  constructor(
    readonly reason: "other-key" | "altered",
    readonly context: string,
    /** The key that was tried, and the key that the box names. */
    readonly keys: { readonly tried: string; readonly named: string },
  ) {
    super(
      reason === "other-key"
        ? `sealed by the key ${keys.named}, not by ${keys.tried} (${context})`
        : `not what was sealed for ${context}`,
    );
  }
}

/**
 * An AES-256-GCM key (NIST SP 800-38D, 96 bit random nonces, 128 bit tags).
 *
 * One key may seal 2^32 boxes. The key's bytes are private and appear in no string, JSON or inspection of
 * the object, so that it may be held and logged by accident without harm.
 */
export class SealingKey {
  /** Tells keys apart without telling the key: the start of an HMAC by the key itself. */
  readonly id: string;
  /** An object: with bytes in its place Node takes three times as long. */
  readonly #key: KeyObject;

  /** Raises RangeError unless there are 32 bytes. The bytes are copied. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${bytes.length}`);
    this.#key = createSecretKey(bytes);
    this.id = createHmac("sha256", this.#key).update("fieldlog key id").digest("hex").slice(0, 16);
  }

  static random(): SealingKey {
    return new SealingKey(randomBytes(KEY_BYTES));
  }

  /**
   * The context (where the box belongs, e.g. "default/credential/17") is authenticated with it: a box that
   * is moved elsewhere does not open. `nonce` is for known-answer tests only.
   */
  seal(plain: Uint8Array, context: string, nonce: Uint8Array = randomBytes(NONCE_BYTES)): Sealed {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(context, "utf8"));
    const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { keyId: this.id, nonce, ciphertext };
  }

  /** What was sealed. Raises {@link CannotOpen}. */
  open(box: Sealed, context: string): Buffer {
    const keys = { tried: this.id, named: box.keyId };
    if (box.keyId !== this.id) throw new CannotOpen("other-key", context, keys);
    const end = box.ciphertext.length - TAG_BYTES;
    if (box.nonce.length !== NONCE_BYTES || end < 0) throw new CannotOpen("altered", context, keys);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, box.nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context, "utf8"));
    decipher.setAuthTag(box.ciphertext.subarray(end));
    try {
      return Buffer.concat([decipher.update(box.ciphertext.subarray(0, end)), decipher.final()]);
    } catch {
      throw new CannotOpen("altered", context, keys);
    }
  }

  /** Seals another key, so that it can stand beside what it seals. */
  sealKey(key: SealingKey, context: string): Sealed {
    return this.seal(key.#key.export(), context);
  }

  /** The key that {@link sealKey} sealed. Raises {@link CannotOpen}. */
  openKey(box: Sealed, context: string): SealingKey {
    const bytes = this.open(box, context);
    try {
      return new SealingKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }
}
