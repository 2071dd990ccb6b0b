import { randomBytes } from "node:crypto";
import { resealed, type Sealed, type Sealing } from "@fieldlog/sealing";
import type { ActiveSubscription } from "../decisions/subscription.js";

const PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** A webhook's secret that nobody has seen, in the form of Standard Webhooks: `whsec_` and base64 of 32 random bytes. */
export function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`;
}

/** Secrets of webhooks, sealed by the installation's key, each for its own subscription. */
export class Secrets {
  readonly #key: Sealing;

  constructor(key: Sealing) {
    this.#key = key;
  }

  seal(secret: string, namespace: string, id: string): Sealed {
    return this.#key.seal(Buffer.from(secret), contextOf(namespace, id));
  }

  /** Sealed by the key that seals now; undefined: it is, or no key opens it. */
  resealed(box: Sealed, namespace: string, id: string): Sealed | undefined {
    return resealed(this.#key, box, contextOf(namespace, id));
  }

  /** Those that sign at that time, newest first. Raises CannotOpen. */
  open(
    { webhook }: Pick<ActiveSubscription, "webhook">,
    namespace: string,
    id: string,
    now: number,
  ): string[] {
    if (webhook === undefined) return [];
    const { secret, previous } = webhook;
    const good = previous !== undefined && now < previous.until ? [secret, previous.secret] : [secret];
    return good.map((box) => this.#key.open(box, contextOf(namespace, id)).toString());
  }
}

function contextOf(namespace: string, id: string): string {
  return `${namespace}/subscription/${id}`;
}
