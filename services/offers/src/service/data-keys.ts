import { randomBytes } from "node:crypto";
import { DEVICE_KEYS } from "@fieldlog/contracts";
import { type EventLog, RecordBucket, RecordConflict } from "@fieldlog/event-log";
import { KEY_BYTES, type Sealed, type SealingKey } from "@fieldlog/sealing";

/**
 * The keys with which devices' objects are encrypted, sealed by the installation's key. They stand in a key-value
 * bucket and not in the log, because a key must be able to go: then nothing that was encrypted with it can be read. For the
 * same reason none is remembered here. Every method raises LogUnavailable.
 */
export class DataKeys {
  private constructor(
    private readonly bucket: RecordBucket<Sealed>,
    private readonly sealing: SealingKey,
  ) {}

  static async open(
    connection: EventLog["connection"],
    replicas: number,
    sealing: SealingKey,
  ): Promise<DataKeys> {
    const coding = { encode, decode: (data: Uint8Array) => decode(data) };
    return new DataKeys(
      await RecordBucket.open(connection, { name: DEVICE_KEYS, replicas, ...coding }),
      sealing,
    );
  }

  /** The device's key; a new one where there is none. 32 bytes. */
  async get(namespace: string, device: string): Promise<Uint8Array> {
    const found = await this.find(namespace, device);
    if (found) return found;
    const key = randomBytes(KEY_BYTES);
    try {
      const sealed = this.sealing.seal(key, contextOf(namespace, device));
      await this.bucket.write({ namespace, id: device }, sealed, 0);
    } catch (error) {
      if (!(error instanceof RecordConflict)) throw error;
      return (await this.find(namespace, device)) ?? (await this.get(namespace, device));
    }
    return key;
  }

  /** undefined: the device has none (any more). */
  async find(namespace: string, device: string): Promise<Uint8Array | undefined> {
    const stored = await this.bucket.get({ namespace, id: device });
    return stored && this.sealing.open(stored.record, contextOf(namespace, device));
  }

  /** Overwrites it on disk. Of a device that has none: nothing. */
  async destroy(namespace: string, device: string): Promise<void> {
    const stored = await this.bucket.get({ namespace, id: device });
    if (stored) await this.bucket.remove(stored.revision, true).catch(unlessGone);
  }

  /** All of a namespace. */
  async destroyAll(namespace: string): Promise<void> {
    const own: number[] = [];
    for await (const { namespace: of, revision } of this.bucket.all(() => undefined)) {
      if (of === namespace) own.push(revision);
    }
    for (const revision of own) await this.bucket.remove(revision, true).catch(unlessGone);
  }
}

function contextOf(namespace: string, device: string): string {
  return `${namespace}/device-key/${device}`;
}

function encode({ keyId, nonce, ciphertext }: Sealed): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return Buffer.from(JSON.stringify([keyId, base64(nonce), base64(ciphertext)]));
}

function decode(data: Uint8Array): Sealed {
  const [keyId, nonce, ciphertext] = JSON.parse(Buffer.from(data).toString()) as [string, string, string];
  return { keyId, nonce: Buffer.from(nonce, "base64"), ciphertext: Buffer.from(ciphertext, "base64") };
}

function unlessGone(error: unknown): void {
  if (!(error instanceof RecordConflict)) throw error;
}
