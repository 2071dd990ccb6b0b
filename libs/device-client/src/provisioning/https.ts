import type { IncomingMessage } from "node:http";
import { request } from "node:https";

export interface Answer {
  readonly status: number;
  /** Undefined: the body is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** The platform's clock, in ms since 1970 UTC; NaN: it does not say. */
  readonly at: number;
}

export interface HttpsOptions {
  /** `host[:port]`. */
  readonly instance: string;
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT";
  /** With a leading slash. */
  readonly path: string;
  /** Of another host than the instance: `host[:port]`. */
  readonly host?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | object;
}

const MOST_BYTES = 256 * 1024;

/** The platform did not answer: to be tried again. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Asks the platform over HTTPS. */
export class Https {
  constructor(private readonly options: HttpsOptions) {}

  /** Raises Unreachable. */
  async call({ method, path, host, headers, body }: Call, signal: AbortSignal): Promise<Answer> {
    const { instance, ca, timeoutMs } = this.options;
    const json = body !== undefined && !(body instanceof Uint8Array);
    const bytes =
      body instanceof Uint8Array ? body : Buffer.from(body === undefined ? "" : JSON.stringify(body));
    const { hostname, port } = new URL(`https://${host ?? instance}`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + Math.ceil(bytes.length / 10))]);
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const asked = request(
          {
            ...{ method, path, hostname: hostname.replace(/^\[|\]$/g, ""), port: port || 443, signal: limit },
            ...{ agent: false, ...(ca !== undefined && { ca }) },
            headers: {
              ...(json && { "content-type": "application/json" }),
              "content-length": bytes.length,
              ...headers,
            },
          },
          resolve,
        );
        asked.on("error", reject);
        asked.end(bytes);
      });
      const at = Date.parse(answer.headers.date ?? "");
      return { status: answer.statusCode ?? 0, body: jsonOf(await read(answer)), at };
    } catch (error) {
      signal.throwIfAborted();
      throw new Unreachable(`${method} ${host ?? instance}: ${(error as Error).message}`, { cause: error });
    }
  }
}

async function read(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function jsonOf(bytes: Buffer): Answer["body"] {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
