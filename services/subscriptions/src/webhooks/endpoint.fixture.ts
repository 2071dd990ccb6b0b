import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export interface Taken {
  readonly id: string;
  readonly contentType: string;
  /** The number in the data of each event. */
  readonly numbers: readonly number[];
  readonly ids: readonly string[];
  readonly at: number;
}

type Event = { id: string; data: { n: number } };

/** An endpoint that verifies what it gets with the specification's library, and answers as it is told. */
export class Endpoint {
  readonly taken: Taken[] = [];
  /** Answers a request; undefined: 204. */
  answer: ((response: ServerResponse, taken: Taken) => void) | undefined;
  secret: string;
  private readonly server: Server;

  private constructor(secret: string) {
    this.secret = secret;
    this.server = createServer((request, response) => void this.take(request, response));
  }

  static async start(secret: string): Promise<Endpoint> {
    const endpoint = new Endpoint(secret);
    await new Promise<void>((resolve) => endpoint.server.listen(0, "127.0.0.1", resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  get numbers(): number[] {
    return this.taken.flatMap(({ numbers }) => numbers);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const headers = request.headers as Record<string, string>;
    const verified = new Webhook(this.secret).verify(body, headers) as Event | Event[];
    const events = Array.isArray(verified) ? verified : [verified];
    const taken = {
      ...{ id: headers["webhook-id"] ?? "", contentType: headers["content-type"] ?? "", at: Date.now() },
      ...{ numbers: events.map(({ data }) => data.n), ids: events.map(({ id }) => id) },
    };
    this.taken.push(taken);
    if (this.answer) this.answer(response, taken);
    else response.writeHead(204).end();
  }
}
