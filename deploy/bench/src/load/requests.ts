import type { Identity } from "@fieldlog/simulator";
import { PickBodies } from "./pick-bodies.js";

/** The requests of one connection, one behind the other in a buffer. */
export class RequestList {
  readonly #bytes: Buffer;
  readonly #ends: readonly number[];
  #next = 0;

  constructor(bytes: Buffer, ends: readonly number[]) {
    this.#bytes = bytes;
    this.#ends = ends;
  }

  /** The next request's bytes; when all have been taken, the first `again` or undefined. */
  take(again = false): Buffer | undefined {
    if (again && this.#next === this.#ends.length) this.#next = 0;
    const end = this.#ends[this.#next];
    if (end === undefined) return undefined;
    const start = this.#next === 0 ? 0 : (this.#ends[this.#next - 1] as number);
    this.#next++;
    return this.#bytes.subarray(start, end);
  }

  /** Begins with the first request again. */
  rewind(): void {
    this.#next = 0;
  }
}

/**
 * Signed pick events of devices, each with its own message id. A device belongs to one connection, so that
 * its message ids arrive in order.
 */
export class RequestMaker {
  readonly #nextId: number[];

  constructor(
    private readonly devices: readonly Identity[],
    private readonly namespace: string,
  ) {
    this.#nextId = devices.map(() => 0);
  }

  /** Lists for `connections` with at least `requests` in all, sent at `now` (ms since 1970 UTC). */
  make(connections: number, requests: number, now: number): RequestList[] {
    const bodies = new PickBodies(now);
    const each = Math.ceil(requests / connections);
    return Array.from({ length: connections }, (_, connection) => {
      // More connections than devices share them: then each sends too little for the order to matter.
      const own = this.devices.flatMap((_, index) =>
        index % connections === connection % this.devices.length ? [index] : [],
      );
      return this.#list(own, each, bodies);
    });
  }

  #list(own: readonly number[], length: number, bodies: PickBodies): RequestList {
    const parts: Buffer[] = [];
    const ends: number[] = [];
    let end = 0;
    for (let made = 0; made < length; made++) {
      const index = own[made % own.length] as number;
      const identity = this.devices[index] as Identity;
      const messageId = this.#nextId[index] as number;
      this.#nextId[index] = messageId + 1;
      const body = bodies.make(identity, messageId);
      const head = Buffer.from(
        `POST /api/v1/${this.namespace}/event/${identity.clientId} HTTP/1.1\r\n` +
          "Host: fieldlog\r\nContent-Type: application/x-protobuf\r\n" +
          `Content-Length: ${body.length}\r\n\r\n`,
        "latin1",
      );
      parts.push(head, body);
      end += head.length + body.length;
      ends.push(end);
    }
    return new RequestList(Buffer.concat(parts, end), ends);
  }
}
