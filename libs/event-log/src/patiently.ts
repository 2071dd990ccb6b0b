import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";

const LONGEST_MS = 60_000;
const PAUSE_MS = 500;

/**
 * Does what a cluster may have no answer to while it starts or chooses a leader, until it answers, for a minute at
 * most. What it does must be harmless when it is done twice. Raises a refusal at once, else the last error.
 */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const refused = error instanceof JetStreamApiError && error.status !== 503;
      if (refused || Date.now() > deadline) throw error;
      await delay(PAUSE_MS);
    }
  }
}
