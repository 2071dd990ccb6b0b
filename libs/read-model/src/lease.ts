import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "./failures.js";
import { lockKey } from "./lock.js";
import { WritingSession } from "./session.js";
import { Tasks } from "./tasks.js";

/** Milliseconds between two tries to get the lease, or to reach Postgres again. */
const RETRY_MS = 1_000;
const RETRY_FIRST_MS = 100;
/** Milliseconds between two questions whether the session still lives, and for the answer. */
const ALIVE_MS = 5_000;

/** held: this replica works; standby: another does; away: Postgres does not answer, or the work failed. */
export type LeaseState = "held" | "standby" | "away";

export interface LeaseOptions {
  /** postgres://… */
  readonly url: string;
  /** The service's schema, and what the lease is for: one name, one lease. */
  readonly schema: string;
  readonly name: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told of every change, and of the reason why it is away. */
  readonly onChange?: (state: LeaseState, reason?: string) => void;
}

/**
 * Has work done by one replica at a time: the one whose session in Postgres holds the lock. Whoever loses the
 * session has lost the lock, and another replica takes over within about a second; for as long as it takes the
 * first one to notice, at most 10 s, both may work, so the work must bear that.
 *
 * @param work ends when its signal is aborted (the lease is lost or given up), and not before. If it fails it is
 *   done again, here or on another replica
 * @returns when `signal` is aborted and the work has ended
 */
export async function underLease(
  options: LeaseOptions,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal, onChange } = options;
  let pause = RETRY_FIRST_MS;
  while (!signal.aborted) {
    try {
      await hold(options, work, () => {
        pause = RETRY_FIRST_MS;
      });
    } catch (error) {
      if (!signal.aborted) onChange?.("away", reasonOf(error));
    }
    await delay(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, RETRY_MS);
  }
}

async function hold(
  { url, schema, name, signal, onChange }: LeaseOptions,
  work: (signal: AbortSignal) => Promise<void>,
  onHeld: () => void,
): Promise<void> {
  const session = await WritingSession.open({ url, schema, name: `${schema} ${name}` });
  const tasks = new Tasks(signal);
  try {
    while (!(await session.tryLock(lockKey(schema, name, "live")))) {
      onChange?.("standby");
      await delay(RETRY_MS, undefined, { signal });
    }
    onHeld();
    onChange?.("held");
    tasks.run((held) => session.untilLost(held));
    tasks.run((held) => untilSilent(session, held));
    tasks.run(work);
    await tasks.ended();
  } finally {
    await session.close();
  }
}

/** Rejects when the session does not answer; resolves with the signal. A machine that is gone says no goodbye. */
async function untilSilent(session: WritingSession, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(ALIVE_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const late = new AbortController();
    const silence = delay(ALIVE_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error("Postgres does not answer");
    });
    await Promise.race([session.client.query("SELECT 1"), silence]).finally(() => late.abort());
  }
}
