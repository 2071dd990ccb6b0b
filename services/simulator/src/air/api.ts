import { setTimeout as sleep } from "node:timers/promises";

/** tenta's REST API answered with an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    readonly request: string,
    readonly status: number,
    readonly text: string,
  ) {
    super(`${request}: HTTP ${status} ${text}`);
  }
}

export interface ApiOptions {
  /** Of the edge, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** No further attempt after this. */
  readonly signal: AbortSignal;
  /** Told of each attempt that has to be repeated. */
  readonly onRetry: (reason: string) => void;
}

export interface ListedSensor {
  readonly sensor_identifier: string;
  readonly sensor_name: string;
}

const ANSWER_MS = 15_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/**
 * tenta's REST API (reference A3), as far as a network sets itself up by it. A request without an answer, or
 * with a server's error, is repeated until there is one; the others raise ApiError. Raises AbortError after the signal.
 */
export class TentaApi {
  #token: string | undefined;

  constructor(private readonly options: ApiOptions) {}

  /** Also logs in. 409: the name is taken. */
  async createUser(name: string, password: string): Promise<void> {
    await this.#logInBy("/users", name, password);
  }

  /** 401: another password; 404: no such user. */
  async logIn(name: string, password: string): Promise<void> {
    await this.#logInBy("/authentication", name, password);
  }

  /** Its id. 409: the name is taken. */
  async createNetwork(name: string): Promise<string> {
    const answer = await this.#ask<{ network_identifier: string }>("POST", "/networks", {
      network_name: name,
    });
    return answer.network_identifier;
  }

  async networks(): Promise<{ network_identifier: string; network_name: string }[]> {
    return this.#ask("GET", "/networks");
  }

  async sensors(network: string): Promise<ListedSensor[]> {
    return this.#ask("GET", `/networks/${network}/sensors`);
  }

  /** Its id and its MQTT password. 409: the name is taken. */
  async createSensor(network: string, name: string): Promise<{ id: string; secret: string }> {
    const { sensor_identifier: id, sensor_secret: secret } = await this.#ask<{
      sensor_identifier: string;
      sensor_secret: string;
    }>("POST", `/networks/${network}/sensors`, { sensor_name: name });
    return { id, secret };
  }

  /** A new MQTT password in place of a lost one. */
  async rotateSecret(network: string, sensor: string): Promise<string> {
    const path = `/networks/${network}/sensors/${sensor}/secret`;
    return (await this.#ask<{ sensor_secret: string }>("POST", path, {})).sensor_secret;
  }

  /** The number of the new revision. */
  async configure(network: string, sensor: string, configuration: object): Promise<number> {
    const path = `/networks/${network}/sensors/${sensor}/configurations`;
    return (await this.#ask<{ revision: number }>("POST", path, configuration)).revision;
  }

  /** The newest page of revisions, oldest first; `success`: as the sensor acknowledged it, null before. */
  async configurations(
    network: string,
    sensor: string,
  ): Promise<{ revision: number; success: boolean | null }[]> {
    return this.#ask("GET", `/networks/${network}/sensors/${sensor}/configurations?direction=previous`);
  }

  /** The newest page of what a sensor measured, oldest first; `creation_timestamp` in seconds since 1970 UTC. */
  async measurements(
    network: string,
    sensor: string,
  ): Promise<{ value: Record<string, number>; creation_timestamp: number }[]> {
    return this.#ask("GET", `/networks/${network}/sensors/${sensor}/measurements?direction=previous`);
  }

  async #logInBy(path: string, name: string, password: string): Promise<void> {
    const body = { user_name: name, password };
    this.#token = (await this.#ask<{ access_token: string }>("POST", path, body)).access_token;
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(method, path, body).catch((error: Error) => error);
      if (!(answer instanceof Error)) {
        if (answer.status < 300) return JSON.parse(answer.text) as T;
        if (answer.status < 500 && answer.status !== 429)
          throw new ApiError(`${method} ${path}`, answer.status, answer.text);
      }
      this.options.onRetry(answer instanceof Error ? reasonOf(answer) : `HTTP ${answer.status}`);
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      await sleep(pause, undefined, { signal: this.options.signal });
    }
  }

  async #attempt(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const headers = {
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      ...(body && { "content-type": "application/json" }),
    };
    const response = await fetch(`${this.options.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([this.options.signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    return { status: response.status, text: (await response.text()).slice(0, 1_000_000) };
  }
}

function reasonOf(error: Error): string {
  const cause = error.cause as { code?: unknown } | undefined;
  return typeof cause?.code === "string" ? cause.code : error.message;
}
