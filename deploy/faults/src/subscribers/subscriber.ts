import type { Repeats } from "../checks/complete.js";
import { type Said, saidBy } from "../ledger/said.js";

/** Comes back by itself, and keeps who said what, in the order in which it came. */
export interface Subscriber {
  readonly name: string;
  readonly heard: readonly Said[];
  readonly repeats: Repeats;
  /** "events", or also what other devices publish by MQTT. */
  readonly hears: "events" | "messages";
  stop(): Promise<void>;
}

/** A CloudEvent of ours, as it comes by every way out. */
export interface CloudEvent {
  readonly id: string;
  readonly position: number;
  readonly device: string;
  readonly value?: string;
  readonly data?: { readonly readings?: readonly number[] };
}

export function saidInEvent({ id, position, device, value, data }: CloudEvent): Said | undefined {
  const values = data?.readings;
  const text = data !== undefined && values === undefined ? JSON.stringify(data) : value;
  return saidBy({ position, identity: `${device}/${id}`, device, text, values });
}

/** ms before a subscriber that was cut off comes back. */
export const RETRY_MS = 200;
