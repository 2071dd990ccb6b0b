import type { Address } from "../load/orders.js";
import type { Lane } from "./wires.js";

export type WireName = "websocket" | "mqtt";

/** What the parent asks of a client process. */
export type Order =
  /** More connections; they stay open until "close". */
  | {
      readonly kind: "connect";
      readonly to: Address;
      readonly wire: WireName;
      readonly subscribers: readonly Lane[];
      readonly publishers: readonly Lane[];
      /** Where publishers send requests by HTTP instead. */
      readonly http?: Address | undefined;
    }
  /** As many events as possible, each to all subscribers; `window` of them are not yet everywhere. */
  | (Publishing & { readonly kind: "flood"; readonly window: number })
  /** Events are due at a fixed rate; the one with number n is for the subscriber of the place `Room <n mod places>`. */
  | (Publishing & { readonly kind: "paced"; readonly perSecond: number; readonly places: number })
  | { readonly kind: "close" };

export interface Publishing {
  /** To which an id is added. */
  readonly event: object;
  /** Of a delivery, where the protocol leaves it to the publisher. */
  readonly payloadBytes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What a client saw. */
export interface FanoutReport {
  /** Warm-up included. */
  readonly published: number;
  readonly deliveries: number;
  /** Deliveries in the measured time. */
  readonly perSecond: number;
  /** From when an event was due to its receipt; of paced runs. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: Readonly<Record<string, number>>;
}
