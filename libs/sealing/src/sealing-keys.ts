import { CannotOpen, type Sealed, type SealingKey } from "./sealing-key.js";

/** What seals and opens: a key, or several of which each box names its own. */
export type Sealing = Pick<SealingKey, "id" | "seal" | "open" | "sealKey" | "openKey">;

/** Keys of which the first seals and all open: so one is exchanged for another while services run. */
export class SealingKeys implements Sealing {
  readonly #first: SealingKey;
  readonly #keys: ReadonlyMap<string, SealingKey>;

  constructor(first: SealingKey, ...others: SealingKey[]) {
    this.#first = first;
    this.#keys = new Map([first, ...others].map((key) => [key.id, key]));
  }

  /** Of the key that seals. */
  get id(): string {
    return this.#first.id;
  }

  /** Of all keys that open; the one that seals is the first. */
  get ids(): string[] {
    return [...this.#keys.keys()];
  }

  seal(plain: Uint8Array, context: string): Sealed {
    return this.#first.seal(plain, context);
  }

  /** What was sealed by one of the keys. Raises CannotOpen. */
  open(box: Sealed, context: string): Buffer {
    return this.keyOf(box, context).open(box, context);
  }

  sealKey(key: SealingKey, context: string): Sealed {
    return this.#first.sealKey(key, context);
  }

  /** The key that was sealed by one of the keys. Raises CannotOpen. */
  openKey(box: Sealed, context: string): SealingKey {
    return this.keyOf(box, context).openKey(box, context);
  }

  private keyOf(box: Sealed, context: string): SealingKey {
    const key = this.#keys.get(box.keyId);
    if (key !== undefined) return key;
    throw new CannotOpen("other-key", context, { tried: this.ids.join(" or "), named: box.keyId });
  }
}
