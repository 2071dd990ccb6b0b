import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds without a byte after which reading is given up. */
const READ_MS = 10_000;

/** Raises Error when `work` takes longer than a storage may take for the next bytes. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("nothing came for too long")), READ_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A body's bytes, as long as they come; who reads may take as long as it wants. */
export async function* steadily(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Milliseconds before the second and the third try. */
const PAUSES_MS = [100, 400] as const;

/**
 * A fetch for requests that may be sent again: it gives up when an answer has not begun after so many milliseconds, and
 * tries up to three times while the connection breaks or the service is busy (a status of 500 or more).
 */
export function patientFetch(answerMs: number): typeof fetch {
  return async (input, init) => {
    for (const pauseMs of PAUSES_MS) {
      const response = await fetchOnce(input, init, answerMs).catch(() => undefined);
      if (response !== undefined && response.status < 500) return response;
      await response?.body?.cancel();
      await sleep(pauseMs);
    }
    return await fetchOnce(input, init, answerMs);
  };
}

async function fetchOnce(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  answerMs: number,
): Promise<Response> {
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(new Error("the storage did not answer")), answerMs);
  try {
    return await fetch(input, { ...init, signal: given.signal });
  } finally {
    clearTimeout(timer);
  }
}
