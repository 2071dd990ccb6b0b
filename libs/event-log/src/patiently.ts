import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";

const LONGEST_MS = 60_000;
const PAUSE_MS = 500;

/**
 * Does what a cluster may have no answer to while it starts or chooses a leader, or answer that a stream is not there that
 * was made a moment ago, until it answers, for a minute at most. What it does must be harmless when it is done twice, and
 * make what is missing. Raises a refusal at once, else the last error.
 */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isRefusal(error) || Date.now() > deadline) throw error;
      await delay(PAUSE_MS);
    }
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  return error.status !== 503 && error.code !== JetStreamApiCodes.StreamNotFound;
}
