import { Capabilities } from "./capabilities.js";
import { SealingKey } from "./sealing-key.js";
import { SealingKeys } from "./sealing-keys.js";

/**
 * The installation's key as the setting FIELDLOG_INSTALLATION_KEY has it: 32 bytes in base64. While it is exchanged there
 * are several, with commas between: the first seals and issues tokens, what any of them sealed or issued is opened.
 */
export class InstallationKeys {
  readonly sealing: SealingKeys;
  readonly #keys: readonly Uint8Array[];

  /** Raises RangeError unless each has 32 bytes. */
  constructor(setting: string) {
    const [first = new Uint8Array(), ...others] = setting.split(",").map((key) => Buffer.from(key, "base64"));
    this.#keys = [first, ...others];
    this.sealing = new SealingKeys(new SealingKey(first), ...others.map((key) => new SealingKey(key)));
  }

  /** Tokens that are derived from the installation's key, for one purpose. */
  capabilities(purpose: string): Capabilities {
    return new Capabilities(this.#keys, purpose);
  }
}
