import type { IncomingMessage } from "node:http";
import { Problem } from "../native/problem.js";

/** The sender went away before it had sent all. */
export class CutOff extends Error {
  override readonly name = "CutOff";
  constructor() {
    super("the sender broke off");
  }
}

export interface Patience {
  /** Milliseconds that may pass without a byte. */
  readonly idleMs: number;
  /** When all must have come: ms since 1970 UTC. */
  readonly until: number;
  readonly now: () => number;
}

/**
 * A request's body, a piece at a time: the sender waits for whoever reads. Raises {@link CutOff}, and Problem 408 and
 * 410 for one that is too slow. The request can go on to be read by others afterwards.
 */
export async function* bodyOf(raw: IncomingMessage, patience: Patience): AsyncGenerator<Uint8Array, void> {
  const chunks: Buffer[] = [];
  let wake: (() => void) | undefined;
  const came = () => wake?.();
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    raw.pause();
    came();
  };
  raw.on("data", take).on("end", came).on("close", came);
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (raw.readableEnded) return;
      else if (raw.destroyed) throw new CutOff();
      else {
        const moved = Promise.withResolvers<void>();
        wake = moved.resolve;
        raw.resume();
        await inTime(moved.promise, patience);
      }
    }
  } finally {
    raw.off("data", take).off("end", came).off("close", came);
  }
}

async function inTime(moved: Promise<void>, { idleMs, until, now }: Patience): Promise<void> {
  const leftMs = until - now();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        leftMs <= idleMs
          ? new Problem(410, "The time of this upload is over.")
          : new Problem(408, `Nothing came for ${idleMs / 1000} s.`),
      ),
    Math.max(0, Math.min(idleMs, leftMs)),
  );
  try {
    await Promise.race([moved, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What passes, while it is no more than `most` bytes.
 *
 * @param refusal what is raised at the next one. Default: Problem 413
 */
export async function* atMost(
  content: AsyncIterable<Uint8Array>,
  most: number,
  refusal: (most: number) => Error = tooLarge,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > most) throw refusal(most);
    yield chunk;
  }
}

export function tooLarge(most: number): Problem {
  return new Problem(413, `This upload is larger than the ${most} bytes that it may have.`);
}
