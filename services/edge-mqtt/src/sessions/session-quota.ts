import { limits } from "@fieldlog/contracts";
import { QuotaExceeded } from "./errors.js";
import type { SessionStore } from "./store.js";

/** Milliseconds for which a count serves, and one of a single namespace, which is more work. */
const ALL_MS = 5_000;
const ONE_MS = 60_000;
/** Namespaces whose count is remembered. */
const REMEMBERED = 1_000;

/** Whether a namespace may have one more session that outlives its connection; known to within a minute. */
export class SessionQuota {
  private all: { count: number; at: number } | undefined;
  private readonly ofNamespace = new Map<string, { count: number; at: number }>();

  constructor(
    private readonly store: Pick<SessionStore, "count" | "countAll">,
    private readonly limit: number = limits.mqttSessions,
  ) {}

  /** Raises QuotaExceeded, LogUnavailable. */
  async check(namespace: string): Promise<void> {
    const now = performance.now();
    if (this.all === undefined || now - this.all.at > ALL_MS) {
      this.all = { count: await this.store.countAll(), at: now };
    }
    // As long as all namespaces together are below it, each is.
    if (this.all.count++ < this.limit) return;
    let own = this.ofNamespace.get(namespace);
    if (own === undefined || now - own.at > ONE_MS) {
      if (this.ofNamespace.size >= REMEMBERED) this.ofNamespace.clear();
      own = { count: await this.store.count(namespace), at: now };
      this.ofNamespace.set(namespace, own);
    }
    if (own.count >= this.limit) throw new QuotaExceeded("sessions", this.limit);
    own.count++;
  }
}
