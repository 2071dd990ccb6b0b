import { openedByInstallation, resealed, type Sealed, type Sealing, SealingKey } from "@fieldlog/sealing";

/** A namespace's data key, sealed by the installation's key. */
export interface SealedDataKey {
  /** The namespace's id. */
  readonly id: string;
  readonly dataKey: Sealed;
}

/**
 * The installation's key, and the namespaces' data keys. Each is opened once and then held in memory, the `limit` last used ones;
 * a namespace keeps its data key, so what is held stays right.
 */
export class Keyring {
  readonly #installation: Sealing;
  readonly #opened = new Map<string, SealingKey>();

  constructor(
    installationKey: Sealing,
    private readonly load: (namespace: string) => Promise<SealedDataKey>,
    private readonly limit: number,
  ) {
    this.#installation = installationKey;
  }

  /** A new data key for a namespace. */
  create(namespace: string): Sealed {
    return this.#installation.sealKey(SealingKey.random(), dataKeyContext(namespace));
  }

  /** The data key, sealed by the key that seals now; undefined: it is, or no key opens it. */
  resealed({ id, dataKey }: SealedDataKey): Sealed | undefined {
    return resealed(this.#installation, dataKey, dataKeyContext(id));
  }

  /** As {@link resealed}, of what {@link sealOwn} sealed. */
  resealedOwn(box: Sealed, context: string): Sealed | undefined {
    return resealed(this.#installation, box, context);
  }

  /** Raises WrongInstallationKey. */
  check(namespace: SealedDataKey): void {
    this.open(namespace);
  }

  /** Seals what belongs to the installation as a whole. */
  sealOwn(plain: Uint8Array, context: string): Sealed {
    return this.#installation.seal(plain, context);
  }

  /** What {@link sealOwn} sealed. Raises CannotOpen. */
  unsealOwn(box: Sealed, context: string): Buffer {
    return this.#installation.open(box, context);
  }

  async seal(namespace: string, plain: Uint8Array, context: string): Promise<Sealed> {
    return (await this.dataKey(namespace)).seal(plain, context);
  }

  /** Raises CannotOpen, WrongInstallationKey, and what `load` raises. */
  async unseal(namespace: string, box: Sealed, context: string): Promise<Buffer> {
    return (await this.dataKey(namespace)).open(box, context);
  }

  private async dataKey(namespace: string): Promise<SealingKey> {
    const key = this.#opened.get(namespace) ?? this.open(await this.load(namespace));
    // Last used, last in the map; what is first in it goes first.
    this.#opened.delete(namespace);
    this.#opened.set(namespace, key);
    for (const [oldest] of this.#opened) {
      if (this.#opened.size <= this.limit) break;
      this.#opened.delete(oldest);
    }
    return key;
  }

  private open({ id, dataKey }: SealedDataKey): SealingKey {
    return openedByInstallation(() => this.#installation.openKey(dataKey, dataKeyContext(id)));
  }
}

function dataKeyContext(namespace: string): string {
  return `${namespace}/data-key`;
}
