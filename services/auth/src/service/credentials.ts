import { randomBytes } from "node:crypto";
import type { Aggregates, Id } from "@fieldlog/aggregates";
import {
  credential,
  credentialKind,
  credentialOf,
  issueCsnSecret,
  issueMqttPassword,
  revokeCredentials,
} from "../decisions/credential.js";
import { AmbiguousDevice, NotFound } from "../decisions/refusals.js";
import type { Keyring } from "./keyring.js";
import type { Lookup } from "./lookup.js";
import { hashOf } from "./secret-hash.js";

export interface CredentialsOptions {
  readonly aggregates: Aggregates;
  readonly lookup: Lookup;
  readonly keyring: Keyring;
  /** Raises NotFound unless there is a namespace with that id. */
  readonly checkNamespace: (id: string) => Promise<unknown>;
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
    return credentialKind(kind) === "csn-secret"
      ? this.issueCsnSecret(namespace, device)
      : this.issueMqttPassword(namespace, device);
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

  /**
   * The hash of a device's MQTT password, on the newest state.
   *
   * @param namespace empty: whichever has a device of that id with a password
   * @throws NotFound, AmbiguousDevice
   */
  async mqttPassword(
    namespace: string,
    device: string,
  ): Promise<{ namespace: string; secretHash: Uint8Array }> {
    const found =
      namespace === ""
        ? await this.options.lookup.find(credential, device, (id) => this.passwordOf(id))
        : await this.passwordOf(credentialOf(namespace, device));
    const [only, other] = [found].flat();
    if (other) throw new AmbiguousDevice();
    if (!only) throw new NotFound("credential");
    return only;
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
