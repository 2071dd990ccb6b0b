import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import type { Capabilities } from "@fieldlog/sealing";
import { UnknownReading } from "../decisions/refusals.js";
import { remove, upload } from "../decisions/upload.js";
import type { FoundUpload, UploadsAsked } from "../table/rows.js";
import type { Reader } from "./reader.js";

const LONGEST_S = 30 * 86_400;

/** What devices have uploaded. Raises UnknownReading, InvalidField, and what Aggregates raises. */
export class Readings {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly reader: Reader,
    private readonly tokens: Capabilities,
    private readonly keys: DataKeys,
    private readonly now: () => number = Date.now,
  ) {}

  /** With its device's key; without one, if that was destroyed. */
  async get(
    namespace: string,
    number: number,
    atLeast?: number,
  ): Promise<FoundUpload & { readonly dataKey: Uint8Array | undefined }> {
    if (atLeast !== undefined) await this.reader.waitFor(atLeast, limits.readYourWritesMs);
    const found = await this.reader.rows.uploadOf(namespace, number);
    if (found === undefined) throw new UnknownReading();
    return { ...found, dataKey: await this.keys.find(namespace, found.upload.offered.device) };
  }

  list(asked: UploadsAsked): Promise<FoundUpload[]> {
    return this.reader.rows.listUploads(asked);
  }

  /** Returns the sequence of the decision. */
  async remove(namespace: string, number: number, decidedBy: string): Promise<number> {
    const { id } = await this.get(namespace, number);
    const done = await this.aggregates.transact(upload, { namespace, id }, remove, decidedBy);
    return done.snapshot.sequence;
  }

  /** A token with which the reading can be downloaded, for so many seconds. */
  async createToken(
    namespace: string,
    number: number,
    validS: number,
  ): Promise<{ token: string; expiresAt: number }> {
    if (validS < 1 || validS > LONGEST_S) throw new InvalidField("valid_s", `is from 1 to ${LONGEST_S}`);
    const { upload: found } = await this.get(namespace, number);
    if (found.phase !== "stored") throw new UnknownReading();
    const expiresAt = this.now() + validS * 1_000;
    return { token: this.tokens.issue({ namespace, subject: String(number), expiresAt }), expiresAt };
  }

  /** Refuses UnknownReading: the token opens no reading with that number, or has expired. */
  checkToken(namespace: string, number: number, token: string): void {
    const opens = this.tokens.open(token);
    const isGood = opens?.namespace === namespace && opens.subject === String(number);
    if (!isGood || opens.expiresAt <= this.now()) throw new UnknownReading();
  }
}
