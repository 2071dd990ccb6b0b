import { saf } from "@fieldlog/contracts";
import { statusOf } from "./csn-messages.js";

/** What became of a message. */
export type Outcome =
  | { readonly kind: "accepted"; readonly body: Uint8Array }
  /** The server will not have it; to send it again would not help. */
  | { readonly kind: "refused"; readonly type: saf.StatusMessage_StatusType; readonly reason: string }
  /** Nobody knows whether it arrived: no answer within the sender's patience, or the sender was stopped. */
  | { readonly kind: "unanswered"; readonly reason: string };

type Answer = Outcome | { readonly kind: "again"; readonly afterMs: number; readonly reason: string };

export interface SenderOptions {
  /** Of the edge, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly namespace: string;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Told of each attempt that has to be repeated. */
  readonly onRetry?: (reason: string) => void;
  /** No further attempt, nor waiting, after this. */
  readonly signal?: AbortSignal;
  /** No attempt is under way after this, either: what has no answer by then stays without. */
  readonly cut?: AbortSignal;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly now?: () => number;
}

/** A message is repeated for that long: less than the 15 minutes for which a signature is good. */
export const PATIENCE_MS = 10 * 60_000;

const ANSWER_MS = 15_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 15_000;

/** Posts a device's messages as they are: after a lost answer the very same bytes again. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #fetch: NonNullable<SenderOptions["fetch"]>;
  readonly #now: () => number;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? fetch;
    this.#now = options.now ?? Date.now;
    this.#free = options.concurrency;
  }

  /**
   * Posts to `/api/v1/<namespace>/<path>` until there is an answer that counts. Repeats after a lost answer,
   * a server error and a 503 (then no sooner than its Retry-After says). Never raises.
   */
  deliver(path: string, body: Uint8Array, patienceMs = PATIENCE_MS): Promise<Outcome> {
    const url = `${this.#options.url}/api/v1/${this.#options.namespace}/${path}`;
    const headers = { "content-type": "application/x-protobuf" };
    const message = () => ({ headers, body: body as Uint8Array<ArrayBuffer> });
    return this.#repeat(() => this.#attempt(url, message()), patienceMs);
  }

  /** Uploads a file to a URL that the server gave for it, once: another attempt would need another URL. Never raises. */
  async upload(url: string, file: Uint8Array): Promise<Outcome> {
    const form = new FormData();
    const type = "application/octet-stream";
    form.append("payload", new Blob([file as Uint8Array<ArrayBuffer>], { type }), "data");
    const answer = await this.#attempt(url, { body: form });
    return answer.kind === "again" ? { kind: "unanswered", reason: answer.reason } : answer;
  }

  async #repeat(attemptOnce: () => Promise<Answer>, patienceMs: number): Promise<Outcome> {
    const end = this.#now() + patienceMs;
    for (let attempt = 0; ; attempt++) {
      const answer = await attemptOnce();
      if (answer.kind !== "again") return answer;
      const pause = Math.max(answer.afterMs, backoffMs(attempt));
      if (this.#options.signal?.aborted || this.#now() + pause > end) {
        return { kind: "unanswered", reason: answer.reason };
      }
      this.#options.onRetry?.(answer.reason);
      await this.#sleep(pause);
    }
  }

  async #attempt(url: string, message: Pick<RequestInit, "headers" | "body">): Promise<Answer> {
    await this.#turn();
    try {
      const patience = AbortSignal.timeout(ANSWER_MS);
      const { cut } = this.#options;
      const signal = cut === undefined ? patience : AbortSignal.any([patience, cut]);
      const response = await this.#fetch(url, { ...message, method: "POST", signal });
      return judge(response, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      return { kind: "again", afterMs: 0, reason: reasonOf(error) };
    } finally {
      this.#free++;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#free--;
  }

  #sleep(ms: number): Promise<void> {
    if (this.#options.sleep) return this.#options.sleep(ms);
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const { signal } = this.#options;
      signal?.addEventListener("abort", done, { once: true });
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}

function judge(response: Response, body: Uint8Array): Answer {
  const status = statusOf(body);
  if (response.ok && status?.type === saf.StatusMessage_StatusType.SUCCESS) return { kind: "accepted", body };
  const reason = `HTTP ${response.status}${status?.message ? `: ${status.message}` : ""}`;
  if (response.status >= 500 || response.status === 429) {
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    return { kind: "again", afterMs: (Number.isFinite(seconds) ? seconds : 0) * 1000, reason };
  }
  return { kind: "refused", type: status?.type ?? saf.StatusMessage_StatusType.UNKNOWN_ERROR, reason };
}

/** The pause after the n-th attempt that failed: doubling, half of it by chance. */
function backoffMs(attempt: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return longest / 2 + (Math.random() * longest) / 2;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as { code?: unknown } | undefined;
  return typeof cause?.code === "string" ? cause.code : error.message;
}
