import type { Chance } from "../schedule/chance.js";
import type { Api } from "../system/api.js";
import type { Stage } from "../system/stage.js";

/** Where senders and subscribers appear. */
export interface Scene {
  /** Without faults between, for what has to be set up. */
  readonly api: Api;
  readonly namespace: string;
  /** An API key that may write. */
  readonly key: string;
  readonly doors: Stage["doors"];
  readonly chance: Chance;
  /** ms between two messages of a device, on average. */
  readonly paceMs: number;
  /** The authority that devices trust. */
  readonly tls: { readonly ca: string };
  /** For files of devices. */
  readonly folder: string;
}
