import type { Id } from "@fieldlog/aggregates";
import { INSTALLATION, type registry } from "@fieldlog/contracts";
import type { Grant } from "../decisions/subscription.js";

const KEY = /^key:(.+)$/s;

/** Which API keys are good no more, as REGISTRY tells. */
export class EndedKeys {
  /** Sequences of the newest decisions that revoked them. What was granted with a later value of the admin key stands. */
  private readonly revoked = new Map<string, number>();
  /** ms since 1970 UTC. */
  private readonly expiresAt = new Map<string, number>();

  clear(): void {
    this.revoked.clear();
    this.expiresAt.clear();
  }

  take({ namespace, id }: Id, sequence: number, { events }: registry.Decision): void {
    const name = nameOf(namespace, id);
    for (const { event } of events) {
      if (event.case === "apiKeyRevoked") this.revoked.set(name, sequence);
      if (event.case !== "apiKeyCreated") continue;
      const { expiresAt } = event.value;
      if (expiresAt === undefined) this.expiresAt.delete(name);
      else this.expiresAt.set(name, Number(expiresAt));
    }
  }

  /** Why the key with which that was granted in the namespace is good no more; undefined: it is, or it was no key. */
  why(namespace: string, { by, sequence }: Grant, now: number): string | undefined {
    const id = KEY.exec(by)?.[1];
    if (id === undefined) return undefined;
    // It is the namespace's own, or one that is good for all.
    for (const name of [nameOf(namespace, id), nameOf(INSTALLATION, id)]) {
      if ((this.revoked.get(name) ?? 0) > sequence) return "its API key was revoked";
      if ((this.expiresAt.get(name) ?? Number.POSITIVE_INFINITY) <= now) return "its API key has expired";
    }
    return undefined;
  }
}

function nameOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}
