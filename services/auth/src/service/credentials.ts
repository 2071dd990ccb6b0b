import { randomBytes } from "node:crypto";
import type { Aggregates, Id } from "@fieldlog/aggregates";
import type { Sealed } from "@fieldlog/sealing";
import {
  credential,
  credentialKind,
  credentialOf,
  issueCsnSecret,
  issueMqttPassword,
  issueSigningSecret,
  revokeCredentials,
} from "../decisions/credential.js";
import { NotFound } from "../decisions/refusals.js";
import type { Keyring } from "./keyring.js";
import type { Lookup } from "./lookup.js";
import { hashOf } from "./secret-hash.js";

export interface CredentialsOptions {
  readonly aggregates: Aggregates;
  /** Devices by their id alone: those that have had an MQTT password for longest. */
  readonly byDevice: Lookup;
  readonly keyring: Keyring;
  /** Raises NotFound unless there is a namespace with that id. */
  readonly checkNamespace: (id: string) => Promise<unknown>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Milliseconds for which the signing secret before the newest is good as well. */
const PREVIOUS_MS = 24 * 3_600_000;
const SECRET_BYTES = 32;

/** What a device signs with. */
export interface SigningSecrets {
  readonly secret: string;
  /** Good as well until then: ms since 1970 UTC. */
  readonly previous?: { readonly secret: string; readonly until: number };
}

/** Issues and revokes devices' credentials, and tells edges what they verify devices by. */
export class Credentials {
  constructor(private readonly options: CredentialsOptions) {}

  /** Raises AlreadyExists, InvalidField, NotFound (the namespace). */
  async issue(
    namespace: string,
    device: string,
    kind: string,
  ): Promise<{ secret: string; sequence: number }> {
    switch (credentialKind(kind)) {
      case "csn-secret":
        return this.issueCsnSecret(namespace, device);
      case "mqtt-password":
        return this.issueMqttPassword(namespace, device);
      case "signing-secret":
        return this.issueSigningSecret(namespace, device);
    }
  }

  /** All kinds. Asked twice, succeeds twice. Returns the sequence of the newest decision, 0: there is none. */
  async revoke(namespace: string, device: string, decidedBy: string): Promise<number> {
    const id = credentialOf(namespace, device);
    const { snapshot } = await this.options.aggregates.transact(credential, id, revokeCredentials, decidedBy);
    return snapshot.sequence;
  }

  /** The CSN secret, on the newest state. Raises NotFound, CannotOpen. */
  async csnSecret(namespace: string, device: string): Promise<string> {
    const { aggregates, keyring } = this.options;
    const { state } = await aggregates.current(credential, credentialOf(namespace, device));
    if (!state.csnSecret) throw new NotFound("credential");
    const secret = await keyring.unseal(namespace, state.csnSecret, contextOf(namespace, device));
    return secret.toString("utf8");
  }

  /** What it may sign with now, on the newest state. Raises NotFound, CannotOpen. */
  async signingSecrets(namespace: string, device: string): Promise<SigningSecrets> {
    const { aggregates, keyring, now } = this.options;
    const { state } = await aggregates.current(credential, credentialOf(namespace, device));
    if (!state.signingSecret) throw new NotFound("credential");
    const context = contextOf(namespace, device);
    const open = async (box: Sealed) => (await keyring.unseal(namespace, box, context)).toString("utf8");
    const { secret, previous } = state.signingSecret;
    if (previous === undefined || previous.until <= now()) return { secret: await open(secret) };
    const before = { secret: await open(previous.secret), until: previous.until };
    return { secret: await open(secret), previous: before };
  }

  /**
   * The hash of a device's MQTT password, on the newest state.
   *
   * @param namespace empty: those of all devices of that id, whichever namespace they are in
   * @throws NotFound
   */
  async mqttPasswords(
    namespace: string,
    device: string,
  ): Promise<{ namespace: string; secretHash: Uint8Array }[]> {
    const found =
      namespace === ""
        ? await this.options.byDevice.find(credential, device, (id) => this.passwordOf(id))
        : [await this.passwordOf(credentialOf(namespace, device))];
    const passwords = found.filter((one) => one !== undefined);
    if (passwords.length === 0) throw new NotFound("credential");
    return passwords;
  }

  private async passwordOf(id: Id) {
    const { mqttPassword } = (await this.options.aggregates.current(credential, id)).state;
    return mqttPassword === undefined
      ? undefined
      : { namespace: id.namespace, secretHash: Buffer.from(mqttPassword, "hex") };
  }

  private async issueCsnSecret(namespace: string, device: string) {
    const { aggregates, keyring } = this.options;
    const secret = randomBytes(32).toString("hex");
    const sealed = await keyring.seal(namespace, Buffer.from(secret), contextOf(namespace, device));
    const id = credentialOf(namespace, device);
    const decide = issueCsnSecret(device, sealed);
    const { snapshot } = await aggregates.transact(credential, id, decide, `device:${device}`);
    return { secret, sequence: snapshot.sequence };
  }

  /** In the form of Standard Webhooks: `whsec_` and base64 of 32 random bytes. */
  private async issueSigningSecret(namespace: string, device: string) {
    const { aggregates, keyring, checkNamespace, now } = this.options;
    await checkNamespace(namespace);
    const secret = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
    const sealed = await keyring.seal(namespace, Buffer.from(secret), contextOf(namespace, device));
    const id = credentialOf(namespace, device);
    const decide = issueSigningSecret(sealed, now() + PREVIOUS_MS);
    const { snapshot } = await aggregates.transact(credential, id, decide, `device:${device}`);
    return { secret, sequence: snapshot.sequence };
  }

  private async issueMqttPassword(namespace: string, device: string) {
    const { aggregates, checkNamespace } = this.options;
    await checkNamespace(namespace);
    const secret = randomBytes(32).toString("base64url");
    const id = credentialOf(namespace, device);
    const decide = issueMqttPassword(hashOf(secret));
    const { snapshot } = await aggregates.transact(credential, id, decide, `device:${device}`);
    return { secret, sequence: snapshot.sequence };
  }
}

function contextOf(namespace: string, device: string): string {
  return `${namespace}/credential/${device}`;
}
