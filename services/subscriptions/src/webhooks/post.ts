import { lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { limits } from "@fieldlog/contracts";
import { Agent, buildConnector, request } from "undici";
import { type Addresses, AddressRefused } from "./addresses.js";

/** What became of an attempt to deliver. */
export type Posted =
  | { readonly kind: "delivered" }
  /** The endpoint wants no more: 410. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterS: number };

/** Sockets to one endpoint. Its requests are one after the other, unless several subscriptions name it. */
const SOCKETS = 8;
const CONNECT_MS = 10_000;
const IDLE_MS = 10_000;

/** Sends requests to endpoints that anybody may have named: only to addresses that are allowed, and within limits. */
export class Poster {
  private readonly agent: Agent;

  constructor(
    private readonly addresses: Addresses,
    private readonly timeoutMs: number = limits.webhookMs,
  ) {
    const connect = buildConnector({ lookup: this.lookup(), timeout: CONNECT_MS });
    this.agent = new Agent({
      ...{
        connections: SOCKETS,
        pipelining: 1,
        keepAliveTimeout: IDLE_MS,
        maxHeaderSize: limits.headerBytes,
      },
      connect: (options, callback) => {
        try {
          // A name is checked once it is resolved, an address that stands in the URL is not.
          const host = options.hostname.replace(/^\[(.*)\]$/, "$1");
          if (isIP(host)) this.addresses.check(host);
          connect(options, callback);
        } catch (error) {
          callback(error as Error, null);
        }
      },
    });
  }

  /** Raises nothing. A redirect is a failure: it might lead anywhere. */
  async post(url: string, headers: Record<string, string>, body: Buffer): Promise<Posted> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      const { dispatcher, method } = { dispatcher: this.agent, method: "POST" } as const;
      const answer = await request(url, { dispatcher, method, headers, body, signal });
      await answer.body.dump({ limit: limits.webhookAnswerBytes }).catch(() => undefined);
      return judge(answer.statusCode, answer.headers["retry-after"]);
    } catch (error) {
      return { kind: "failed", reason: this.reasonOf(error as Error), retryAfterS: 0 };
    }
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private lookup(): LookupFunction {
    return (host, options, callback) => {
      resolve(host, { ...options, all: true }, (error, found) => {
        if (error) return callback(error, []);
        try {
          // All of them: the next look-up of the same name may give another.
          for (const { address } of found) this.addresses.check(address);
        } catch (refused) {
          return callback(refused as Error, []);
        }
        const [first] = found;
        if (options.all || first === undefined) return callback(null, found);
        callback(null, first.address, first.family);
      });
    };
  }

  private reasonOf(error: Error): string {
    if (error.name === "TimeoutError") return `no answer within ${this.timeoutMs} ms`;
    const cause = error.cause instanceof Error ? error.cause : error;
    if (cause instanceof AddressRefused) return cause.message;
    return (cause as NodeJS.ErrnoException).code ?? cause.message;
  }
}

function judge(status: number, retryAfter: string | string[] | undefined): Posted {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "gone" };
  const isRedirect = status >= 300 && status < 400;
  const reason = isRedirect ? `answered ${status}: redirects are not followed` : `answered ${status}`;
  const seconds = typeof retryAfter === "string" && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : 0;
  return { kind: "failed", reason, retryAfterS: seconds };
}
