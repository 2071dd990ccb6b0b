import { type Digest, deviceKey, digestOf, type Known, type KnownSigner } from "@fieldlog/admission";
import type { FastifyRequest } from "fastify";
import { param } from "../input.js";
import { disabled, Problem } from "../problem.js";
import { isGenuine, readSignature } from "./signature.js";

/** What a device may do by its signature. */
export type SignedKind = "events" | "heartbeat" | "offers";

/** A request of a device that has proved itself. */
export interface SignedRequest {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
  /** Of the message: its identity in the log. */
  readonly id: string;
  /** Of what it asks, and its body. */
  readonly digest: Digest;
  /** By the device's clock: ms since 1970 UTC. */
  readonly sentAt: number;
  readonly budget: KnownSigner["budget"];
}

export interface SignedParts {
  readonly known: Pick<Known, "namespaces" | "signers">;
  /** Milliseconds that a signature's time may differ from the clock. */
  readonly windowMs: number;
  readonly now: () => number;
}

const WRONG = "The signature is not right.";

/**
 * Verifies a request that has a signature.
 *
 * @param body as it came, byte for byte
 * @throws Problem 401: it is not signed so, or not by that device, or at another time than now. 423, 429.
 */
export async function verifySigned(
  { known, windowMs, now }: SignedParts,
  request: FastifyRequest,
  body: Uint8Array,
  kind: SignedKind,
): Promise<SignedRequest> {
  const { headers } = request;
  const signature = readSignature(headers);
  const device = headers["fieldlog-device"];
  if (signature === undefined || typeof device !== "string" || device === "" || device.includes("/")) {
    throw new Problem(
      401,
      "Give fieldlog-device, webhook-id (up to 100 letters, digits, _ : + = -), webhook-timestamp and webhook-signature (v1).",
    );
  }
  const sentAt = Number(signature.timestamp) * 1000;
  const time = now();
  if (Math.abs(sentAt - time) > windowMs) {
    const clock = new Date(time).toISOString();
    throw new Problem(401, `The signature's time is too far from the server's, which is ${clock}.`);
  }
  const namespace = await known.namespaces.get(param(request, "ns"));
  const signer = namespace && (await known.signers.get(deviceKey(namespace.id, device)));
  // Of a device that does not exist as well, so that the time of the answer does not tell.
  if (!isGenuine(signature, body, secretsOf(signer, time)) || signer === undefined)
    throw new Problem(401, WRONG);
  if (!signer.budget.take(time))
    throw new Problem(429, "Too many requests of this device.", { retryAfterS: 1 });
  if (namespace?.disabled) throw disabled();
  const digest = digestOf(Buffer.concat([Buffer.from(`${kind}\n`), body]));
  return { namespace: signer.namespace, device, id: signature.id, digest, sentAt, budget: signer.budget };
}

const NOBODYS = [new Uint8Array(32)];

function secretsOf(signer: KnownSigner | undefined, now: number): readonly Uint8Array[] {
  if (signer === undefined) return NOBODYS;
  const { secret, previous } = signer;
  return previous !== undefined && now < previous.until ? [secret, previous.secret] : [secret];
}
