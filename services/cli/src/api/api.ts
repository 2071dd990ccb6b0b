import { CliError } from "../cli-error.js";
import type { World } from "../world.js";
import type { Access } from "./access.js";
import { refusalOf } from "./refusal.js";

/** Milliseconds for one request. */
const REQUEST_MS = 30_000;

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The native API. Every method throws CliError when the server refuses or cannot be reached. */
export class Api {
  readonly #access: Access;
  readonly #world: Pick<World, "fetch">;

  constructor(access: Access, world: Pick<World, "fetch">) {
    this.#access = access;
    this.#world = world;
  }

  /** `path` begins with a slash; its parts are made by {@link part}. */
  get<T>(path: string, query: Query = {}): Promise<T> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value));
    }
    return this.#send("GET", search.size > 0 ? `${path}?${search}` : path);
  }

  /** Bytes go as they are, anything else as JSON. */
  post<T>(path: string, body: object = {}): Promise<T> {
    return this.#send("POST", path, body);
  }

  put<T>(path: string, body: object): Promise<T> {
    return this.#send("PUT", path, body);
  }

  patch<T>(path: string, body: object): Promise<T> {
    return this.#send("PATCH", path, body);
  }

  delete(path: string): Promise<unknown> {
    return this.#send("DELETE", path);
  }

  /** An answer that is read as it comes, however long that takes. */
  async open(path: string): Promise<Response> {
    const { url, key } = this.#access;
    let response: Response;
    try {
      response = await this.#world.fetch(`${url}${path}`, {
        method: "GET",
        headers: { authorization: `Bearer ${key}` },
      });
      if (response.ok) return response;
    } catch (cause) {
      throw unreachable(url, cause);
    }
    throw refusalOf(response, await response.text(), this.#access);
  }

  async #send<T>(method: string, path: string, body?: object): Promise<T> {
    const { url, key } = this.#access;
    const init: RequestInit = {
      method,
      headers: {
        accept: "application/json",
        authorization: `Bearer ${key}`,
        ...(body ? { "content-type": isBytes(body) ? "application/octet-stream" : "application/json" } : {}),
      },
      ...(body ? { body: isBytes(body) ? body : JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(REQUEST_MS),
    };
    let response: Response;
    let text: string;
    try {
      response = await this.#world.fetch(`${url}${path}`, init);
      text = await response.text();
    } catch (cause) {
      throw unreachable(url, cause);
    }
    if (!response.ok) throw refusalOf(response, text, this.#access);
    return (text === "" ? {} : parse(text, url)) as T;
  }
}

function isBytes(body: object): body is Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array;
}

/** A name or an id as one part of a path. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError(`${url} did not answer with JSON`, { hint: "Is that Fieldlog's HTTP port?", cause });
  }
}

function unreachable(url: string, error: unknown): CliError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return new CliError(`${url} did not answer within ${REQUEST_MS / 1000} s`, { cause });
  }
  const code = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
  return new CliError(`${url} cannot be reached: ${code}`, {
    hint: "Is Fieldlog running (npm start)? Another address is given by --url or FIELDLOG_PUBLIC_URL.",
    cause,
  });
}
