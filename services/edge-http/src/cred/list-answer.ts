import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import type { CredList } from "./request.js";

type Envelope = { readonly status: number; readonly message: string };

/** Milliseconds that a receiver may take none of an answer. */
const PATIENCE_MS = limits.idleConnectionMs;

/**
 * A list's answer. One that is longer than a page is sent while it is read, so that a log of any length costs the
 * memory of a page; rejects if the first page cannot be read.
 */
export async function answerList(
  [name, pages]: CredList,
  { status, message }: Envelope,
): Promise<string | LongList> {
  const envelope = JSON.stringify({ status, message, [name]: [] });
  const head = envelope.slice(0, -2);
  const first = await pages.next();
  const begun = head + (first.done ? "" : first.value.join(","));
  const second = first.done || first.value.length < limits.pageRows ? undefined : await pages.next();
  if (second === undefined || second.done) return `${begun}]}`;
  return new LongList([begun, second.value.join(",")], pages);
}

export class LongList {
  constructor(
    private readonly begun: readonly string[],
    private readonly pages: AsyncGenerator<readonly string[], void>,
  ) {}

  /** Rejects if a page cannot be read, or the receiver does not take it in time; then the answer is not whole. */
  async pipeTo(response: ServerResponse): Promise<void> {
    await write(response, this.begun.join(","));
    for await (const page of this.pages) {
      if (response.destroyed) return;
      await write(response, `,${page.join(",")}`);
    }
    response.end("]}");
  }
}

async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  const waited = new AbortController();
  const signal = AbortSignal.any([waited.signal, AbortSignal.timeout(PATIENCE_MS)]);
  try {
    await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  } finally {
    waited.abort();
  }
}
