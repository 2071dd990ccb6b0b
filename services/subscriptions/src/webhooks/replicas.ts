import { WEBHOOK_REPLICAS } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";

type NatsConnection = EventLog["connection"];

/** Milliseconds. */
const BEAT_MS = 2_000;
const GONE_MS = 10_000;
/** After which a replica that does not hear itself stops before others take it for gone. */
const UNHEARD_MS = 8_000;
/** Within which those that are there have answered a new one. */
const GREETING_MS = 300;
/** Marks the name of one that leaves. */
const LEAVES = "-";
/** Of how many that have left it is remembered. */
const LEFT = 1_000;

/** By which replica a holder of records is known: what stands before the last dot. */
export function replicaOf(holder: string): string {
  return holder.slice(0, holder.lastIndexOf("."));
}

/**
 * Which replicas there are, as they hear each other, and which of them is to deliver to a webhook: to each of them
 * falls its share by highest random weight, so that one that comes or goes moves no more than its own share.
 */
export class Replicas {
  /** When each was heard last. */
  private readonly heard = new Map<string, number>();
  private readonly left = new Set<string>();
  private subscription: ReturnType<NatsConnection["subscribe"]> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private startedAt = Number.POSITIVE_INFINITY;
  private readonly listeners: (() => void)[] = [];

  /**
   * @param own names this replica, apart from all that ever were; without a dot at its end
   * @param now a clock in milliseconds that never goes back
   */
  constructor(
    private readonly connection: NatsConnection,
    readonly own: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  start(): void {
    this.startedAt = this.now();
    this.subscription = this.connection.subscribe(WEBHOOK_REPLICAS, {
      callback: (error, message) => {
        if (error === null) this.hear(message.string());
      },
    });
    this.timer = setInterval(() => this.beat(), BEAT_MS).unref();
    this.tell(this.own);
    setTimeout(() => this.changed(), GREETING_MS).unref();
  }

  /** Told when others may have to deliver. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** This replica hears itself, so that the others hear it, too. */
  get isHeard(): boolean {
    return this.now() - (this.heard.get(this.own) ?? Number.NEGATIVE_INFINITY) < UNHEARD_MS;
  }

  /** Whether it falls to this replica. */
  isMine(name: string): boolean {
    if (this.now() - this.startedAt < GREETING_MS) return false;
    const own = weight(this.own, name);
    for (const other of this.heard.keys()) {
      if (other !== this.own && weight(other, name) > own) return false;
    }
    return true;
  }

  /** It has left, or was not heard for ten seconds. */
  isGone(replica: string): boolean {
    if (this.left.has(replica)) return true;
    const at = Math.max(this.heard.get(replica) ?? Number.NEGATIVE_INFINITY, this.startedAt);
    return this.now() - at >= GONE_MS;
  }

  /** The others know at once. To be called when it delivers nothing any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.subscription?.unsubscribe();
    this.tell(LEAVES + this.own);
    await this.connection.flush().catch(() => undefined);
  }

  private beat(): void {
    this.tell(this.own);
    const now = this.now();
    for (const [replica, at] of this.heard) {
      if (replica === this.own || now - at < GONE_MS) continue;
      this.heard.delete(replica);
      this.changed();
    }
  }

  private hear(text: string): void {
    if (text.startsWith(LEAVES)) {
      this.leave(text.slice(LEAVES.length));
      return;
    }
    const isNew = !this.heard.has(text);
    this.heard.set(text, this.now());
    if (!isNew || text === this.own) return;
    this.left.delete(text);
    // So that a new one knows of this one at once.
    this.tell(this.own);
    this.changed();
  }

  private leave(replica: string): void {
    this.heard.delete(replica);
    if (this.left.size >= LEFT) this.left.clear();
    this.left.add(replica);
    this.changed();
  }

  private tell(text: string): void {
    if (!this.connection.isClosed()) this.connection.publish(WEBHOOK_REPLICAS, text);
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** FNV-1a with a final mix: the same on every replica. */
function weight(replica: string, name: string): number {
  let hash = 0x811c9dc5;
  for (const text of [replica, name]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
