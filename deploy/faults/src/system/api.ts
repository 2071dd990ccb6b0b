import { setTimeout as sleep } from "node:timers/promises";

export type Json = Record<string, unknown>;

/** What the suite asks for itself, at a door without faults between: it may be away, so it asks again. */
export class Api {
  constructor(
    readonly url: string,
    private readonly key: string,
    private readonly patienceMs = 60_000,
  ) {}

  /** Raises Error with the answer when it is refused, or when there is none for too long. */
  async ask(method: string, path: string, body?: unknown): Promise<Json> {
    const text = (await this.bytes(method, path, body)).toString();
    return text.startsWith("{") ? (JSON.parse(text) as Json) : {};
  }

  async bytes(method: string, path: string, body?: unknown): Promise<Buffer> {
    const deadline = Date.now() + this.patienceMs;
    for (;;) {
      try {
        return await this.once(method, path, body);
      } catch (error) {
        if (error instanceof Refused || Date.now() > deadline) throw error;
        await sleep(250);
      }
    }
  }

  private async once(method: string, path: string, body: unknown): Promise<Buffer> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`${this.url}${path}`, {
      ...{ method, headers, signal: AbortSignal.timeout(15_000) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.ok) return bytes;
    const told = `${method} ${path}: ${response.status} ${bytes.toString().slice(0, 500)}`;
    throw response.status >= 500 || response.status === 429 ? new Error(told) : new Refused(told);
  }
}

/** An answer that asking again does not change. */
class Refused extends Error {}
