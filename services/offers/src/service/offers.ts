import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { InvalidField, TooManyConflicts } from "@fieldlog/decider";
import type { EventLog } from "@fieldlog/event-log";
import type { Capabilities } from "@fieldlog/sealing";
import { type MadeUpload, type Offered, offer, type Upload, upload } from "../decisions/upload.js";
import { answered, type OfferedData, type OpenRequest } from "../decisions/wanted.js";
import type { Policy } from "./policies.js";
import { type Reader, upToDate } from "./reader.js";

/** One element of a message of offers. */
export interface OneOffer extends Omit<OfferedData, "device"> {
  readonly sensorType: string;
  readonly format: string;
  /** As the device says; 0: it does not. */
  readonly bytes: number;
  readonly fileName: string;
}

/** What it is answered; undefined: not wanted. */
export interface Accepted {
  readonly id: string;
  readonly upload: MadeUpload;
  readonly token: string;
}

export interface OffersParts {
  readonly aggregates: Aggregates;
  readonly reader: Reader;
  readonly log: Pick<EventLog, "lastSequence">;
  readonly policy: (namespace: string) => Promise<Policy>;
  readonly tokens: Capabilities;
  readonly now: () => number;
}

/** Milliseconds after which it is looked again for what another one has decided. */
const PAUSE_MS = 100;

/** Decides on what devices offer. Raises InvalidField, TooManyConflicts, and what Aggregates and the call for the policy raise. */
export class Offers {
  constructor(private readonly parts: OffersParts) {}

  /**
   * One answer for each offer, in order.
   *
   * @param identity of the message that brought them: who sends it again gets the same answers
   */
  async decide(
    namespace: string,
    device: string,
    offers: readonly OneOffer[],
    identity: string,
  ): Promise<(Accepted | undefined)[]> {
    check(offers);
    const wanted = new Wanted(this.parts, namespace, device);
    const answers: (Accepted | undefined)[] = [];
    for (const [index, one] of offers.entries()) {
      const id = uploadId(namespace, device, identity, index);
      const made = (await this.before(namespace, id)) ?? (await this.accept(namespace, id, one, wanted));
      answers.push(made && { id, upload: made, token: this.tokenOf(namespace, id, made) });
    }
    return answers;
  }

  private tokenOf(namespace: string, subject: string, { offered: { expiresAt } }: MadeUpload): string {
    return this.parts.tokens.issue({ namespace, subject, expiresAt });
  }

  /** What the same message led to when it came before. */
  private async before(namespace: string, id: string): Promise<MadeUpload | undefined> {
    return existing((await this.parts.aggregates.current(upload, { namespace, id })).state);
  }

  private async accept(
    namespace: string,
    id: string,
    one: OneOffer,
    wanted: Wanted,
  ): Promise<MadeUpload | undefined> {
    const offered = await wanted.terms(one);
    if (offered === undefined) return undefined;
    const decidedBy = `device:${offered.device}`;
    for (let attempt = 1; attempt <= limits.decideAttempts; attempt++) {
      const begun = await this.parts.aggregates.begin(upload, { namespace, id }, offer(offered), decidedBy);
      // Another edge was asked with the same message at the same time. A copy of the log may tell of it a moment later.
      const made = begun ? existing(begun.state) : await this.before(namespace, id);
      if (made !== undefined) return made;
      await sleep(PAUSE_MS);
    }
    throw new TooManyConflicts({ namespace, kind: upload.kind, id }, limits.decideAttempts);
  }
}

/** What of one message's offers is wanted: asks for requests and settings once, and only if it must. */
class Wanted {
  private open: readonly OpenRequest[] | undefined;
  private isFresh = false;
  private room: number | undefined;

  constructor(
    private readonly parts: OffersParts,
    private readonly namespace: string,
    private readonly device: string,
  ) {}

  /** undefined: it is not wanted. */
  async terms(one: OneOffer): Promise<Offered | undefined> {
    const { policy, now } = this.parts;
    const { acceptsAll, uploadBytes, storedBytes } = await policy(this.namespace);
    const request = await this.requestFor({ ...one, device: this.device });
    if (request === undefined && !acceptsAll) return undefined;
    const maxBytes = one.bytes > 0 ? one.bytes : uploadBytes;
    if (maxBytes > uploadBytes || !(await this.fits(maxBytes, storedBytes))) return undefined;
    const { bytes: _, requestNumber: __, ...fields } = one;
    return {
      ...{ ...fields, device: this.device, maxBytes, expiresAt: now() + limits.uploadMs },
      ...{ request: request?.id ?? "", requestNumber: request?.number ?? 0 },
    };
  }

  private async requestFor(offer: OfferedData): Promise<OpenRequest | undefined> {
    const { reader, log } = this.parts;
    this.open ??= await reader.rows.openRequests(this.namespace);
    const request = answered(offer, this.open);
    if (request !== undefined || this.isFresh || offer.requestNumber === 0) return request;
    // The device was told of a request that this replica's tables may not have yet.
    await upToDate(reader, log);
    this.open = await reader.rows.openRequests(this.namespace);
    this.isFresh = true;
    return answered(offer, this.open);
  }

  /** Of what is under way at the same time a few more may pass. */
  private async fits(bytes: number, storedBytes: number | undefined): Promise<boolean> {
    if (storedBytes === undefined) return true;
    this.room ??= storedBytes - (await this.taken());
    if (bytes > this.room) return false;
    this.room -= bytes;
    return true;
  }

  /** With what the messages before this one were promised. */
  private async taken(): Promise<number> {
    const { reader, log } = this.parts;
    await upToDate(reader, log);
    return await reader.rows.takenBytes(this.namespace);
  }
}

function existing(state: Upload): MadeUpload | undefined {
  return state.phase === "none" ? undefined : state;
}

/** The same for the same offer of the same message, in the form of a UUID (RFC 9562, version 8). */
function uploadId(namespace: string, device: string, identity: string, index: number): string {
  const digest = hash("sha256", JSON.stringify([namespace, device, identity, index]));
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`];
  return [...parts, `a${digest.slice(17, 20)}`, digest.slice(20, 32)].join("-");
}

const FORMAT = /^[!-~]{1,127}$/;

function check(offers: readonly OneOffer[]): void {
  if (offers.length > limits.offersPerMessage) {
    throw new InvalidField("offers", `are more than ${limits.offersPerMessage}`);
  }
  for (const [index, { sensor, sensorType, fileName, format, start, end }] of offers.entries()) {
    const refuse = (field: string, reason: string) => {
      throw new InvalidField(`offers[${index}].${field}`, reason);
    };
    const texts = { sensor, sensor_type: sensorType, file_name: fileName };
    for (const [field, text] of Object.entries(texts)) {
      if (text.length > limits.textLength || text.includes("\u0000")) refuse(field, "is no name");
    }
    if (!FORMAT.test(format)) refuse("format", "is none");
    if (start !== undefined && end !== undefined && end < start) refuse("end", "comes after start");
  }
}
