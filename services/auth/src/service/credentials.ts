import { randomBytes } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import { credential, credentialOf, issueCredential } from "../decisions/credential.js";
import { NotFound } from "../decisions/refusals.js";
import type { Keyring } from "./keyring.js";

/** Issues devices' credentials, and opens them for edges, which verify signatures with them. */
export class Credentials {
  constructor(
    private readonly aggregates: Aggregates,
    private readonly keyring: Keyring,
  ) {}

  /** Raises AlreadyExists, InvalidField, NotFound (the namespace). */
  async issue(
    namespace: string,
    device: string,
    kind: string,
  ): Promise<{ secret: string; sequence: number }> {
    const secret = randomBytes(32).toString("hex");
    const sealed = await this.keyring.seal(namespace, Buffer.from(secret), contextOf(namespace, device));
    const decide = issueCredential({ device, kind, secret: sealed });
    const { snapshot } = await this.aggregates.transact(
      credential,
      credentialOf(namespace, device),
      decide,
      `device:${device}`,
    );
    return { secret, sequence: snapshot.sequence };
  }

  /** On the newest state. Raises NotFound, CannotOpen. */
  async get(namespace: string, device: string): Promise<{ kind: string; secret: string }> {
    const { state } = await this.aggregates.current(credential, credentialOf(namespace, device));
    if (state.phase !== "issued") throw new NotFound("credential");
    const secret = await this.keyring.unseal(namespace, state.secret, contextOf(namespace, device));
    return { kind: state.kind, secret: secret.toString("utf8") };
  }
}

function contextOf(namespace: string, device: string): string {
  return `${namespace}/credential/${device}`;
}
