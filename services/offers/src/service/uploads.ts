import type { Aggregates, Id } from "@fieldlog/aggregates";
import type { registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { InvalidField, type Outcome } from "@fieldlog/decider";
import type { Capabilities } from "@fieldlog/sealing";
import { UnknownUpload, UploadClosed } from "../decisions/refusals.js";
import {
  ERASED,
  erase,
  fail,
  finish,
  lapse,
  type MadeUpload,
  opened,
  start,
  type Upload,
  upload,
} from "../decisions/upload.js";

/** An upload that a token opened. */
export interface OpenedUpload extends Id {
  readonly upload: MadeUpload;
}

/** Milliseconds that an upload which is under way when its time is over may still take to end. */
const GRACE_MS = 60_000;
const SHA256_BYTES = 32;

/** What whoever has an upload URL does with it. Raises the refusals of its decisions, and what Aggregates raises. */
export class Uploads {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly tokens: Capabilities,
    private readonly keys: DataKeys,
    private readonly now: () => number = Date.now,
  ) {}

  async open(token: string): Promise<OpenedUpload> {
    const id = this.idOf(token);
    const { state } = await this.aggregates.current(upload, id);
    return { ...id, upload: opened(state, this.now()) };
  }

  /** With the device's key, with which its content is to be encrypted. */
  async start(token: string, resume: boolean): Promise<OpenedUpload & { readonly dataKey: Uint8Array }> {
    const id = this.idOf(token);
    const { snapshot } = await this.aggregates.transact(upload, id, start(this.now(), resume), "upload");
    const made = snapshot.state as MadeUpload;
    return { ...id, upload: made, dataKey: await this.keys.get(id.namespace, made.offered.device) };
  }

  /** Returns the reading's number and the sequence of the decision. */
  async finish(token: string, stored: registry.UploadStored): Promise<{ number: number; sequence: number }> {
    const id = this.idOf(token, GRACE_MS);
    check(stored);
    try {
      const decide = this.unlessErased(id, finish(stored));
      const { snapshot } = await this.aggregates.transact(upload, id, decide, "upload");
      return { number: (snapshot.state as MadeUpload).number, sequence: snapshot.sequence };
    } catch (error) {
      // What was stored of it is removed as that of any that failed.
      if (error instanceof UploadClosed && error.reason === "erased") await this.fail(token, ERASED);
      throw error;
    }
  }

  /** With its device's key, nobody can read what was uploaded any more. */
  private unlessErased<Result>({ namespace }: Id, decide: (state: Upload) => Outcome<Result>) {
    return async (state: Upload): Promise<Outcome<Result>> => {
      const outcome = decide(state);
      if (state.phase === "none") return outcome;
      if (await this.keys.find(namespace, state.offered.device)) return outcome;
      throw new UploadClosed("erased");
    };
  }

  async fail(token: string, reason: string): Promise<void> {
    const id = this.idOf(token, Number.POSITIVE_INFINITY);
    await this.aggregates.transact(upload, id, fail(reason.slice(0, 200)), "upload");
  }

  /** Its time is over. */
  async lapse(id: Id): Promise<void> {
    await this.aggregates.transact(upload, id, lapse(this.now() - GRACE_MS), "system");
  }

  /** Its device is erased. */
  async erase(id: Id): Promise<void> {
    await this.aggregates.transact(upload, id, erase, "system");
  }

  private idOf(token: string, graceMs = 0): Id {
    const capability = this.tokens.open(token);
    if (capability === undefined) throw new UnknownUpload();
    if (capability.expiresAt + graceMs <= this.now()) throw new UploadClosed("expired");
    return { namespace: capability.namespace, id: capability.subject };
  }
}

function check({ bytes, sha256, objects, objectBytes }: registry.UploadStored): void {
  if (sha256.length !== SHA256_BYTES) throw new InvalidField("stored.sha256", `has ${SHA256_BYTES} bytes`);
  const sum = objectBytes.reduce((total, some) => total + some, 0n);
  if (objects.length !== objectBytes.length || sum !== bytes) {
    throw new InvalidField("stored.object_bytes", "are those of the objects, and bytes is their sum");
  }
}
