import type { Position } from "@fieldlog/contracts";
import type { Ticket } from "../subscriptions/shared-feed.js";

/** A message with QoS 1 or 2 that the client has not fully acknowledged. Its payload stays in the log. */
export interface InFlight {
  readonly packetId: number;
  readonly position: Position;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[];
  /** `release`: PUBREC came, PUBREL is due or was sent (QoS 2 only). */
  state: "publish" | "release";
  /** It was sent on this connection, and takes up room until it is acknowledged. */
  sent: boolean;
  /** Of a shared subscription, which gives it to another if this client leaves. */
  readonly ticket: Ticket | undefined;
}

const HIGHEST_ID = 65_535;

/** What is under way to one client, in the order of sending; packet ids are not used twice at a time. */
export class InFlightWindow {
  private entries: Map<number, InFlight> | undefined;
  private lastId = 0;
  private taken = 0;

  /** @param size how many the client takes unacknowledged [MQTT-3.3.4-9] */
  constructor(private readonly size: number) {}

  get count(): number {
    return this.entries?.size ?? 0;
  }

  hasRoom(): boolean {
    return this.taken < this.size && this.count < HIGHEST_ID;
  }

  /** Takes a packet id that is not in use [MQTT-2.2.1-4]. */
  add(message: Omit<InFlight, "packetId" | "state" | "sent">): InFlight {
    this.entries ??= new Map();
    do this.lastId = this.lastId === HIGHEST_ID ? 1 : this.lastId + 1;
    while (this.entries.has(this.lastId));
    const entry: InFlight = { ...message, packetId: this.lastId, state: "publish", sent: true };
    this.entries.set(entry.packetId, entry);
    this.taken++;
    return entry;
  }

  /** As it was on an earlier connection: takes up no room until it is sent again. */
  restore(entry: InFlight): void {
    this.entries ??= new Map();
    this.entries.set(entry.packetId, entry);
    this.lastId = entry.packetId;
  }

  resent(entry: InFlight): void {
    if (!entry.sent) this.taken++;
    entry.sent = true;
  }

  get(packetId: number): InFlight | undefined {
    return this.entries?.get(packetId);
  }

  delete(entry: InFlight): void {
    if (this.entries?.get(entry.packetId) !== entry) return;
    this.entries.delete(entry.packetId);
    if (entry.sent) this.taken--;
  }

  all(): readonly InFlight[] {
    return this.entries === undefined ? [] : [...this.entries.values()];
  }
}
