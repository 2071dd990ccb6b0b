import { encodeSignal, type OwnWrites } from "@fieldlog/admission";
import { type Position, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { RawBodyRequest } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import type { Skimmed } from "../../admit/skim.js";
import type { Access } from "../access.js";
import { disabled, Problem } from "../problem.js";
import { RememberedRequests } from "./remembered.js";
import { isMessageId, isSigned } from "./signature.js";
import { type SignedKind, type SignedParts, type SignedRequest, verifySigned } from "./signed-request.js";

export interface SigningParts extends SignedParts {
  readonly access: Access;
  readonly log: Pick<EventLog, "signals">;
  readonly ownWrites: Pick<OwnWrites, "note">;
}

/** Who asks for something to be done for a device. */
export interface Sender {
  /** Id. */
  readonly namespace: string;
  /** `key:<id>` or `device:<id>`. */
  readonly decidedBy: string;
  /** Absent: it showed a key. */
  readonly signed?: SignedRequest;
}

/** What devices do by their signature, instead of with a key. */
export class Signing {
  readonly remembered = new RememberedRequests();

  constructor(private readonly parts: SigningParts) {}

  /** See {@link verifySigned}. Undefined: the request is not meant to be signed. */
  async verify(
    request: FastifyRequest,
    body: Uint8Array,
    kind: SignedKind,
  ): Promise<SignedRequest | undefined> {
    return isSigned(request.headers) ? verifySigned(this.parts, request, body, kind) : undefined;
  }

  /**
   * For a route that Nest serves: the device itself by its signature, else a key with permission write.
   * Raises Problem 401, 403, 404, 423, 429.
   */
  async sender(request: FastifyRequest, kind: SignedKind, device: string): Promise<Sender> {
    // In the adapter of Nest it is on the request of the route, as in the one for Express.
    const { rawBody = new Uint8Array() } = request as FastifyRequest & RawBodyRequest<unknown>;
    const signed = await this.verify(request, rawBody, kind);
    if (signed === undefined) {
      const { key, namespace } = await this.parts.access.namespace(request, "write");
      if (namespace.disabled) throw disabled();
      return { namespace: namespace.id, decidedBy: `key:${key.id}` };
    }
    if (signed.device !== device) throw new Problem(403, "A device's signature is good for that device.");
    return { namespace: signed.namespace, decidedBy: `device:${device}`, signed };
  }

  /** See {@link RememberedRequests.once}; of what is not signed, each time. */
  once<T>(
    signed: SignedRequest | undefined,
    work: (position: Position | undefined) => Promise<T>,
    isFinal?: (answer: T) => boolean,
  ): Promise<T> {
    return signed === undefined ? work(undefined) : this.remembered.once(signed, work, isFinal);
  }

  /** A signal that has a digest stands in the log: that of a signed request, if its identity may be one's id. */
  learn(namespace: string, { device, identity, digest }: Skimmed, position: Position): void {
    if (isMessageId(identity)) this.remembered.learn(namespace, device, identity, digest, position);
  }

  /**
   * Puts the request's id into the log by itself, where none of its signals has it as its identity: so that every edge
   * hears of it. Rejects with LogUnavailable, QueueFull.
   */
  async note({ namespace, device, id, digest, sentAt }: SignedRequest): Promise<void> {
    const { log, ownWrites, now } = this.parts;
    const bytes = encodeSignal({
      ...{ device, identity: id, digest, receivedAt: now(), occurredAt: sentAt, sentAt },
      ...{ location: undefined, traceParent: "", publication: undefined, body: undefined },
    });
    const position = await log.signals.append(namespace, bytes);
    ownWrites.note(namespace, SIGNALS, sequenceOf(position));
  }
}
