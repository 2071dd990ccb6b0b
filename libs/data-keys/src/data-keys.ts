import { randomBytes } from "node:crypto";
import type { DEVICE_KEYS, SAMPLE_KEYS, STREAM_KEYS } from "@fieldlog/contracts";
import { type EventLog, RecordBucket, RecordConflict, type RecordKey } from "@fieldlog/event-log";
import {
  countByKey,
  KEY_BYTES,
  openedByInstallation,
  type ResealAsked,
  type ResealPage,
  resealed,
  type Sealed,
  type Sealing,
} from "@fieldlog/sealing";

/** "erased": the device's key was destroyed, and it gets no other one. */
type Kept = Sealed | "erased";

const CONTEXTS = {
  DEVICE_KEYS: "device-key",
  SAMPLE_KEYS: "sample-key",
  STREAM_KEYS: "stream-key",
} as const;

/** Keys that are sealed anew at once. */
const AT_ONCE = 16;

/** A revision, behind which is gone on; anything else stands for the beginning. */
const PLACE = /^\d{1,15}$/;

/** In the place of a device: the key of what belongs to the namespace as a whole, or to nobody who is known. */
export const OF_NAMESPACE = "";

/** The device was erased, and gets no key any more. */
export class DeviceErased extends Error {
  override readonly name = "DeviceErased";
  constructor() {
    super("the device was erased");
  }
}

export interface DataKeysOptions {
  /** Each service's keys are apart: it alone knows which of them are needed still. */
  readonly bucket: typeof DEVICE_KEYS | typeof SAMPLE_KEYS | typeof STREAM_KEYS;
  /** Copies that NATS keeps. */
  readonly replicas: number;
  /** The installation's key, or keys. */
  readonly sealing: Sealing;
}

/** Which one of a device's keys. */
export interface KeyOfDevice {
  readonly namespace: string;
  readonly device: string;
  readonly revision: number;
  /** What stood there. */
  readonly kept: Kept;
}

/**
 * The keys with which devices' objects are encrypted, sealed by the installation's key. They stand in a key-value
 * bucket and not in the log, because a key must be able to go: then nothing that was encrypted with it can be read. For the
 * same reason none is remembered here. Every method raises LogUnavailable.
 */
export class DataKeys {
  private constructor(
    private readonly bucket: RecordBucket<Kept>,
    private readonly sealing: Sealing,
    private readonly contextOf: (namespace: string, device: string) => string,
  ) {}

  /** Raises WrongInstallationKey, if the oldest key of all was sealed by a key that is not given. */
  static async open(
    connection: EventLog["connection"],
    { bucket, replicas, sealing }: DataKeysOptions,
  ): Promise<DataKeys> {
    const coding = { encode, decode: (data: Uint8Array) => decode(data) };
    const records = await RecordBucket.open(connection, { name: bucket, replicas, ...coding });
    // A box that is moved from one bucket to the other does not open.
    const kind = CONTEXTS[bucket];
    const keys = new DataKeys(records, sealing, (namespace, device) => `${namespace}/${kind}/${device}`);
    await keys.checkOldest();
    return keys;
  }

  /** What is sealed anew is written anew: so what an exchange of the installation's key has left is what is oldest. */
  private async checkOldest(): Promise<void> {
    // While the log does not answer, nothing is known against the key.
    const oldest = await this.oldest().catch(() => undefined);
    if (oldest === undefined) return;
    openedByInstallation(() => this.sealing.open(oldest.box, this.contextOf(oldest.namespace, oldest.id)));
  }

  private async oldest(): Promise<(RecordKey & { readonly box: Sealed }) | undefined> {
    for await (const { namespace, id, record } of this.bucket.all(() => undefined)) {
      if (record !== "erased") return { namespace, id, box: record };
    }
    return undefined;
  }

  /** The device's key; a new one where there is none. 32 bytes. Refuses {@link DeviceErased}. */
  async get(namespace: string, device: string): Promise<Uint8Array> {
    const stored = await this.bucket.get({ namespace, id: device });
    if (stored?.record === "erased") throw new DeviceErased();
    const context = this.contextOf(namespace, device);
    if (stored) return this.sealing.open(stored.record, context);
    const key = randomBytes(KEY_BYTES);
    try {
      await this.bucket.write({ namespace, id: device }, this.sealing.seal(key, context), 0);
    } catch (error) {
      if (!(error instanceof RecordConflict)) throw error;
      return await this.get(namespace, device);
    }
    return key;
  }

  /** undefined: the device has none (any more). */
  async find(namespace: string, device: string): Promise<Uint8Array | undefined> {
    const stored = await this.bucket.get({ namespace, id: device });
    if (stored === undefined || stored.record === "erased") return undefined;
    return this.sealing.open(stored.record, this.contextOf(namespace, device));
  }

  /** Overwrites it on disk. The device, whose id nobody else gets, will have none again. */
  async destroy(namespace: string, device: string): Promise<void> {
    const key = { namespace, id: device };
    const stored = await this.bucket.get(key);
    if (stored?.record === "erased") return;
    if (stored) await this.bucket.remove(stored.revision, true).catch(unlessConflict);
    try {
      await this.bucket.write(key, "erased", 0);
    } catch (error) {
      unlessConflict(error);
      await this.destroy(namespace, device);
    }
  }

  /** Those that a namespace's devices have now, or had: to be forgotten. */
  async ofNamespace(namespace: string): Promise<KeyOfDevice[]> {
    const own: KeyOfDevice[] = [];
    for await (const { namespace: of, id: device, revision, record } of this.bucket.all(() => undefined)) {
      if (of === namespace) own.push({ namespace, device, revision, kept: record });
    }
    return own;
  }

  /** Seals anew what is not sealed by the installation's key that seals now, the oldest first. */
  async reseal({ after, limit, check }: ResealAsked): Promise<ResealPage> {
    const from = PLACE.test(after) ? Number(after) : 0;
    const page: (RecordKey & { readonly box: Sealed; readonly revision: number })[] = [];
    let next = "";
    let seen = 0;
    for await (const { namespace, id, record, revision } of this.bucket.all(() => undefined, from)) {
      if (record !== "erased") page.push({ namespace, id, box: record, revision });
      seen += 1;
      if (seen < limit) continue;
      next = String(revision);
      break;
    }
    let done = 0;
    for (let at = 0; !check && at < page.length; at += AT_ONCE) {
      const written = await Promise.all(page.slice(at, at + AT_ONCE).map((one) => this.resealOne(one)));
      done += written.filter(Boolean).length;
    }
    return { found: countByKey(page.map(({ box }) => box)), resealed: done, next };
  }

  /** Whether it was: not if it went meanwhile, or somebody else was first. */
  private async resealOne({ namespace, id, box, revision }: RecordKey & { box: Sealed; revision: number }) {
    const anew = resealed(this.sealing, box, this.contextOf(namespace, id));
    if (anew === undefined) return false;
    try {
      await this.bucket.write({ namespace, id }, anew, revision);
      return true;
    } catch (error) {
      unlessConflict(error);
      return false;
    }
  }

  /** Those whose devices have keys, or had. */
  async namespaces(): Promise<Set<string>> {
    const found = new Set<string>();
    for await (const { namespace } of this.bucket.all(() => undefined)) found.add(namespace);
    return found;
  }

  /** Overwrites it on disk, also if it was sealed anew since. Another device may come by that id. */
  async forget(key: KeyOfDevice): Promise<void> {
    try {
      await this.bucket.remove(key.revision, true);
    } catch (error) {
      unlessConflict(error);
      const now = await this.bucket.get({ namespace: key.namespace, id: key.device });
      if (now === undefined || !this.isSame(key, now.record)) return;
      await this.forget({ ...key, revision: now.revision, kept: now.record });
    }
  }

  private isSame({ namespace, device, kept }: KeyOfDevice, other: Kept): boolean {
    if (kept === "erased" || other === "erased") return false;
    const context = this.contextOf(namespace, device);
    return this.sealing.open(kept, context).equals(this.sealing.open(other, context));
  }
}

function encode(kept: Kept): Uint8Array {
  if (kept === "erased") return Buffer.from(JSON.stringify(kept));
  const { keyId, nonce, ciphertext } = kept;
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return Buffer.from(JSON.stringify([keyId, base64(nonce), base64(ciphertext)]));
}

function decode(data: Uint8Array): Kept {
  const kept = JSON.parse(Buffer.from(data).toString()) as "erased" | [string, string, string];
  if (kept === "erased") return kept;
  const [keyId, nonce, ciphertext] = kept;
  return { keyId, nonce: Buffer.from(nonce, "base64"), ciphertext: Buffer.from(ciphertext, "base64") };
}

/** Somebody else was first. */
function unlessConflict(error: unknown): void {
  if (!(error instanceof RecordConflict)) throw error;
}
