import type { MqttConnection } from "../mqtt/connection.js";
import { sizeOf, type Waiting } from "../store/outbox.js";
import type { Store } from "../store/store.js";
import { externalized } from "../streams/bag.js";
import type { Waiters } from "./waiters.js";
import { Window } from "./window.js";

export interface SenderParts {
  readonly store: Store;
  readonly waiters: Waiters;
  /** Puts a large payload where the platform finds it, and returns the name under which it does. */
  readonly upload: (payload: Uint8Array, signal: AbortSignal) => Promise<string>;
  /** Offers recorded data, and sends them if they are wanted; else says why not. */
  readonly offer: (row: Waiting, signal: AbortSignal) => Promise<"taken" | { readonly refused: string }>;
  /** A message was refused: it is set aside. */
  readonly refused: (topic: string, reason: string) => void;
  readonly now: () => number;
}

/** Whose messages, and how many publishes the server takes at once. */
export interface SenderOptions {
  readonly workspaceId: string;
  readonly deviceId: string;
  readonly receiveMaximum: number;
}

/** Bytes of a payload in one publish (reference B4, "Large payload"). */
const LARGEST_PUBLISH = 250_000;
const MOST_IN_FLIGHT = 512;
const MOST_BYTES = 512 * 1024;
const READ_AT_ONCE = 256;
/** ms for which it may be forgotten how far the platform has come: it knows resends by their identities. */
const REMOVE_WITHIN_MS = 25;
/** Bytes in the socket above which is waited. */
const SOCKET_BYTES = 1024 * 1024;
const REFUSED = 0x87;
/** MQTT 5, section 3.4.2.1: what may be otherwise next time. */
const BUSY = new Set([0x80, 0x83, 0x97]);

/** Sends what is in the outbox in its order, over one connection. */
export class Sender {
  private readonly window: Window;
  private afterId = 0;
  private wakeUp: () => void = () => {};
  private wanted = true;
  private ended: Error | undefined;

  constructor(
    private readonly parts: SenderParts,
    private readonly connection: MqttConnection,
    private readonly options: SenderOptions,
  ) {
    this.window = new Window(Math.min(MOST_IN_FLIGHT, options.receiveMaximum), MOST_BYTES);
  }

  /** There is something new in the outbox, or room in the window. */
  wake(): void {
    this.wanted = true;
    this.wakeUp();
  }

  end(reason: Error): void {
    this.ended = reason;
    this.wake();
  }

  /** Until it is ended. Rejects with that reason, or with what the upload raised. */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      if (this.ended !== undefined) throw this.ended;
      if (!this.wanted || !this.window.hasRoom || this.connection.writableLength > SOCKET_BYTES) {
        await this.woken();
        continue;
      }
      this.wanted = false;
      const rows = this.parts.store.outbox.read(this.afterId, READ_AT_ONCE, MOST_BYTES);
      for (const row of rows) {
        while (!this.window.hasRoom && this.ended === undefined) await this.woken();
        if (this.ended !== undefined) throw this.ended;
        await this.send(row, signal);
      }
      if (rows.length > 0) this.wanted = true;
    }
  }

  /** Whether any progress was made. */
  acknowledged(packetId: number, code: number, reason: string): boolean {
    if (BUSY.has(code)) {
      this.connection.destroy(new Error(`the platform is busy: 0x${code.toString(16)} ${reason}`));
      return false;
    }
    const settled = this.window.settle(packetId);
    if (settled === undefined) return false;
    if (code >= 0x80) this.setAside(settled.id, reason || `0x${code.toString(16)}`);
    const throughId = this.window.takeSettled();
    if (throughId > 0) {
      const { store, waiters } = this.parts;
      // What cannot be removed is sent again, and counts once.
      store.writeLater(() => store.outbox.remove(throughId), REMOVE_WITHIN_MS).catch(() => {});
      waiters.arrived(throughId);
    }
    this.wakeUp();
    return true;
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeUp = resolve;
    });
  }

  private send(row: Waiting, signal: AbortSignal): Promise<void> | undefined {
    this.afterId = row.id;
    if (row.kind === "offer") return this.offer(row, signal);
    if (row.kind === "stream" && row.payload.length > LARGEST_PUBLISH) return this.sendLarge(row, signal);
    this.publish(row, row.topic, row.payload);
    return undefined;
  }

  private async sendLarge(row: Waiting, signal: AbortSignal): Promise<void> {
    const link = await this.parts.upload(row.payload, signal);
    if (this.ended !== undefined) throw this.ended;
    this.publish(row, externalized(row.topic), Buffer.from(JSON.stringify({ link })));
  }

  private async offer(row: Waiting, signal: AbortSignal): Promise<void> {
    const packetId = this.window.add(row.id, sizeOf(row.topic, row.payload));
    const outcome = await this.parts.offer(row, signal);
    if (outcome === "taken") this.acknowledged(packetId, 0, "");
    else this.acknowledged(packetId, REFUSED, outcome.refused);
  }

  private publish(row: Waiting, topic: string, payload: Uint8Array): void {
    const { workspaceId, deviceId } = this.options;
    const packetId = this.window.add(row.id, sizeOf(row.topic, row.payload));
    const whole =
      row.kind === "stream"
        ? `devices/${workspaceId}:${deviceId}/messages/events/${topic}`
        : topic.replace("*", deviceId);
    this.connection.publish({
      topic: whole,
      payload,
      packetId,
      userProperties: [["fieldlog-id", row.identity]],
    });
  }

  private setAside(id: number, reason: string): void {
    const { store, waiters, refused, now } = this.parts;
    const [row] = store.outbox.read(id - 1, 1, 0);
    waiters.refuse(id, reason);
    if (row?.id !== id) return;
    const { topic, payload } = row;
    store.writeLater(() => store.refused.add({ topic, payload, reason, at: now() }), 0).catch(() => {});
    refused(topic, reason);
  }
}
