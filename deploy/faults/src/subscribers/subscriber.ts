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
  return saidBy({ position, identity: id, device, text, values });
}

/** What is said in the events that are heard. */
export function hearing() {
  const heard: Said[] = [];
  const hear = (event: CloudEvent) => {
    const said = saidInEvent(event);
    if (said) heard.push(said);
  };
  return { heard, hear };
}
