import { encodeSignal, type KnownDeviceSession, keyHash } from "@fieldlog/admission";
import { limits, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { LRUCache } from "lru-cache";
import { refusals } from "./answer.js";
import type { CredParts } from "./parts.js";

const LEVELS = ["read", "write", "admin"];
const SESSION_KEY = /^[0-9a-f]{64}$/;
/** At most so many heartbeats are written within the ping time-out, and at most two in a second. */
const BEATS_PER_TIMEOUT = 20;
const LEAST_MS = 500;

/** Who asks: a device that logged in, and its key as it is now. */
export type Session = KnownDeviceSession;

/** Knows clients again by the key that /auth gave them, and notes that they are alive (B4, B8). */
export class Sessions {
  private readonly heard = new LRUCache<string, number>({ max: limits.cachedKeys });
  private readonly beatMs: number;

  constructor(private readonly parts: CredParts) {
    this.beatMs = Math.max(LEAST_MS, (parts.settings.pingTimeoutS * 1_000) / BEATS_PER_TIMEOUT);
  }

  /** Raises Refusal 401, 403, 429; RpcError. */
  async check(sessionKey: string, needed: "read" | "write" | "admin"): Promise<Session> {
    const { known, now } = this.parts;
    if (!SESSION_KEY.test(sessionKey)) throw refusals.notAuthenticated();
    const session = await known.deviceSessions.get(keyHash(sessionKey));
    if (session === undefined) throw refusals.notAuthenticated();
    const { expiresAt, permission, budget } = session.key;
    if (expiresAt !== undefined && expiresAt <= now()) throw refusals.notAuthenticated();
    if (!budget.take(now())) throw refusals.tooMany();
    await this.beat(session);
    if (LEVELS.indexOf(permission) < LEVELS.indexOf(needed)) throw refusals.insufficient();
    return session;
  }

  /** The client is alive: as a heartbeat in the log, though not with every request. */
  async beat({ namespace, device }: Pick<Session, "namespace" | "device">): Promise<void> {
    const { log, ownWrites, now } = this.parts;
    const at = now();
    const key = `${namespace}/${device}`;
    if (at - (this.heard.get(key) ?? 0) < this.beatMs) return;
    this.heard.set(key, at);
    const bytes = encodeSignal({
      ...{ device, identity: "", digest: undefined, receivedAt: at, occurredAt: at, sentAt: undefined },
      ...{ location: undefined, traceParent: "", publication: undefined },
      body: {
        case: "heartbeat",
        value: {
          ...{ status: "", rates: [], connectedSensors: [], disconnectedSensors: [] },
          latestRequestId: undefined,
        },
      },
    });
    try {
      const position = await log.signals.append(namespace, bytes);
      ownWrites.note(namespace, SIGNALS, sequenceOf(position));
    } catch (error) {
      // A question is answered also while the log is away.
      this.heard.delete(key);
      if (!(error instanceof LogUnavailable || error instanceof QueueFull)) throw error;
    }
  }
}
