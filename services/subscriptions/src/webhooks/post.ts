import { isIP, type LookupFunction } from "node:net";
import { limits } from "@fieldlog/contracts";
import { Agent, buildConnector, errors, request } from "undici";
import { type Addresses, AddressRefused } from "./addresses.js";
import { hostOf } from "./endpoint-url.js";
import { lookedUp, type Resolve, resolveByDns } from "./resolve.js";
import { retryAfterOf } from "./retry-after.js";

/** What became of an attempt to deliver. */
export type Posted =
  | { readonly kind: "delivered" }
  /** The endpoint wants no more: 410. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterS: number };

export interface PosterOptions {
  readonly addresses: Addresses;
  /** Milliseconds for a request, from the look-up of the name to the end of the answer. */
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

/** Milliseconds. */
const CONNECT_MS = 10_000;
const IDLE_MS = 10_000;
/** Answers by which an endpoint says when it wants to be asked again. RFC 6585, 4; RFC 9110, 15.6.4. */
const LATER: readonly number[] = [429, 503];

/** Sends requests to endpoints that anybody may have named: only to addresses that are allowed, and within limits. */
export class Poster {
  private readonly agent: Agent;
  private readonly timeoutMs: number;
  private readonly connectMs: number;

  constructor(private readonly options: PosterOptions) {
    this.timeoutMs = options.timeoutMs ?? limits.webhookMs;
    const lookup = lookupOf(options.resolve ?? resolveByDns(), options.addresses);
    this.connectMs = Math.min(CONNECT_MS, this.timeoutMs);
    const connect = buildConnector({ lookup, timeout: this.connectMs, allowH2: false });
    this.agent = new Agent({
      // As many sockets to one host as there are webhooks of it: none waits for another's answer.
      ...{ connections: null, pipelining: 1, allowH2: false },
      ...{ keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS, maxHeaderSize: limits.headerBytes },
      connect: (target, callback) => {
        try {
          // A name is checked once it is resolved, an address that stands in the URL is not looked up.
          const host = hostOf(target.hostname);
          if (isIP(host)) this.options.addresses.check(host);
          connect(target, callback);
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
      // What the endpoint says besides is read only so that its connection can be used again.
      await answer.body.dump({ limit: limits.webhookAnswerBytes, signal }).catch(() => undefined);
      return judge(answer.statusCode, answer.headers["retry-after"]);
    } catch (error) {
      return { kind: "failed", reason: this.reasonOf(error as Error), retryAfterS: 0 };
    }
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }

  /** In the endpoint's owner's words: nothing of addresses within, nothing of the URL. */
  private reasonOf(error: Error): string {
    if (error.name === "TimeoutError") return `no answer within ${this.timeoutMs} ms`;
    if (error instanceof errors.ConnectTimeoutError) return `no connection within ${this.connectMs} ms`;
    const cause = error.cause instanceof Error ? error.cause : error;
    if (cause instanceof AddressRefused) return cause.message;
    return (cause as NodeJS.ErrnoException).code ?? cause.name;
  }
}

/** Looks a name up once and hands on what was checked, so that the connection is made to no other address. */
function lookupOf(resolve: Resolve, addresses: Addresses): LookupFunction {
  return (host, { all, family }, callback) => {
    const found = async () => {
      const resolved = await resolve(host);
      // All of them, also those that would not be tried first.
      addresses.checkAll(host, resolved);
      return lookedUp(resolved).filter((each) => !family || each.family === family);
    };
    found().then(
      (list) => {
        const [first] = list;
        if (all) callback(null, list);
        else if (first) callback(null, first.address, first.family);
        else callback(new Error("no address"), "");
      },
      (error: Error) => callback(error, []),
    );
  };
}

function judge(status: number, retryAfter: string | string[] | undefined): Posted {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "gone" };
  const isRedirect = status >= 300 && status < 400;
  const reason = isRedirect ? `answered ${status}: redirects are not followed` : `answered ${status}`;
  const retryAfterS = LATER.includes(status) ? retryAfterOf(retryAfter, Date.now()) : 0;
  return { kind: "failed", reason, retryAfterS };
}
