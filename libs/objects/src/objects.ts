import type { ObjectStore } from "./object-store.js";
import type { LinkOptions } from "./s3-objects.js";

/** The storage of an installation. */
export interface Objects extends ObjectStore {
  readonly kind: "nats" | "s3";
  /** Gives URLs at which the storage itself answers; undefined: everything is read through us. */
  readonly links?: Links | undefined;
  /** What is to be done in NATS now and then; see {@link NatsObjects.tidy}. */
  tidy(before: number, signal?: AbortSignal): Promise<number>;
}

export interface Links {
  /** A URL from which anybody can GET the object, as it is stored, for so many seconds. */
  link(name: string, options: LinkOptions): Promise<string>;
}
