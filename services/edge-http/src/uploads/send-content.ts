import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { limits } from "@fieldlog/contracts";
import { Problem } from "../native/problem.js";
import { rangeOf, type Stretch } from "./range.js";

/** Bytes that somebody asks for. */
export interface SentContent {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly mediaType: string;
  /** Under which it is saved: any text. */
  readonly fileName: string;
  content(stretch: Stretch): AsyncIterable<Uint8Array>;
}

/**
 * Answers with the bytes, or the range of them that is asked for (RFC 9110, 13 and 14). Whatever they are, no browser is
 * to take them for a page of ours. Raises Problem 416, and what the storage raises, before the first byte; a failure
 * behind it breaks the connection off.
 */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  found: SentContent,
): Promise<void> {
  const { headers, method } = request;
  const etag = `"${found.sha256}"`;
  response.setHeader("etag", etag);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("cache-control", "private, no-cache");
  if (headers["if-none-match"]?.split(",").some((one) => one.trim() === etag || one.trim() === "*")) {
    response.writeHead(304).end();
    return;
  }
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag;
  const range = isSame ? rangeOf(headers.range, found.bytes) : undefined;
  if (range === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${found.bytes}`);
    throw new Problem(416, `It has ${found.bytes} bytes.`);
  }
  const { from, to } = range ?? { from: 0, to: found.bytes };
  const content = method === "HEAD" ? [] : await begun(found.content({ from, to }));
  if (range !== undefined) response.setHeader("content-range", `bytes ${from}-${to - 1}/${found.bytes}`);
  response.setHeader("content-length", to - from);
  response.setHeader("content-type", found.mediaType);
  response.setHeader("content-disposition", dispositionOf(found.fileName));
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("content-security-policy", "default-src 'none'; sandbox");
  response.writeHead(range === undefined ? 200 : 206);
  endsWhenIdle(response);
  // Whoever reads has gone, or the storage has failed half way: the connection is cut off either way.
  await pipeline(Readable.from(content, { objectMode: false }), response).catch(() => response.destroy());
}

/** Who takes no byte for too long is cut off. */
export function endsWhenIdle(response: ServerResponse): void {
  response.setTimeout(limits.uploadIdleMs, () => response.destroy());
}

/** The same, once its first bytes have come. */
export async function begun<T>(content: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = content[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

/** Saved under that name, as far as a header can say it; folders are left away. */
function dispositionOf(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["%]/g, "_");
  const whole = plain === name ? "" : `; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`;
  return `attachment; filename="${plain}"${whole}`;
}
