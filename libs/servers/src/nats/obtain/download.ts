import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface Timeouts {
  /** Milliseconds until the server must have answered: short, so that a machine without a network goes on soon. Default 5,000. */
  answerTimeoutMs?: number;
  /** Milliseconds without a byte after which a download is given up. Default 20,000. */
  idleTimeoutMs?: number;
}

/**
 * Downloads into `sink` and returns the SHA-256 of what came. `onPercent` gets 0, 10, … 100 when the length is
 * known. Raises an Error that names the host and what went wrong.
 */
export async function download(
  url: string,
  sink: Writable,
  o: Timeouts,
  onPercent: (percent: number) => void,
): Promise<string> {
  const host = new URL(url).host;
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`${host} does not answer`)), o.answerTimeoutMs ?? 5_000);
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error(`${host} went silent`)), o.idleTimeoutMs ?? 20_000);
  };
  try {
    const response = await fetch(url, { signal: abort.signal, redirect: "follow" });
    if (!response.ok || !response.body) throw new Error(`${host} answers ${response.status} for ${url}`);
    const total = Number(response.headers.get("content-length") ?? 0);
    const hash = createHash("sha256");
    let received = 0;
    let told = -10;
    restart();
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          restart();
          hash.update(chunk);
          received += chunk.length;
          const percent = total ? Math.floor((received / total) * 10) * 10 : told;
          if (percent > told) onPercent(percent);
          told = percent;
          yield chunk;
        }
      },
      sink,
    );
    return hash.digest("hex");
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : plain(error as Error, host);
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says only "fetch failed"; the reason is in its cause. */
function plain(error: Error, host: string): Error {
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause ? new Error(`${host} cannot be reached (${cause.code ?? cause.message})`) : error;
}
