import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Lane } from "./lane.js";

/** What is done to the connections of a proxy. */
export interface Weather {
  /** ms for each direction. */
  readonly delayMs: number;
  /** New connections are reset. */
  readonly refuse: boolean;
  /** What the server says is thrown away; "both": what the client says, too. */
  readonly swallow: boolean | "both";
  /** What the client sent is sent once more, on another connection, when its own has ended. */
  readonly duplicate: boolean;
}

export const FAIR: Weather = { delayMs: 0, refuse: false, swallow: false, duplicate: false };

/** Bytes of one connection that are kept to be sent once more; of one that has more, nothing is. */
const MOST_REPEATED = 4 * 1024 * 1024;
/** ms that the repetition's connection stays, for its answers. */
const REPETITION_MS = 2_000;

/** A port on 127.0.0.1 that leads to another, and what may happen to the connections on the way. */
export class TcpProxy {
  private weather = FAIR;
  private readonly connections = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    private readonly target: () => number,
  ) {}

  /** @param target the port on 127.0.0.1 to which it leads, asked for each connection */
  static async listen(target: () => number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(server, target);
    server.on("connection", (client) => proxy.take(client));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on, for connections that are open and for new ones. */
  set(weather: Partial<Weather>): void {
    this.weather = { ...this.weather, ...weather };
  }

  /** Resets all connections. */
  cut(): void {
    for (const reset of [...this.connections]) reset();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(client: Socket): void {
    if (this.weather.refuse) {
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: "127.0.0.1", port: this.target(), allowHalfOpen: true });
    const sent = this.weather.duplicate ? new Recording() : undefined;
    const ends = [client, upstream];
    const reset = () => {
      for (const end of ends) end.resetAndDestroy();
    };
    this.connections.add(reset);
    for (const end of ends) {
      end.setNoDelay(true);
      end.on("error", reset);
      end.once("close", () => {
        this.connections.delete(reset);
        for (const other of ends) other.destroySoon();
      });
    }
    new Lane(client, upstream, (bytes) => {
      sent?.add(bytes);
      return this.weather.swallow === "both" ? "swallow" : this.weather.delayMs;
    });
    new Lane(upstream, client, () => (this.weather.swallow === false ? this.weather.delayMs : "swallow"));
    client.once("close", () => sent && this.repeat(sent));
  }

  private repeat(sent: Recording): void {
    const bytes = sent.whole();
    if (bytes === undefined) return;
    const again = connect({ host: "127.0.0.1", port: this.target() });
    const end = () => again.destroy();
    const late = setTimeout(end, REPETITION_MS);
    again.on("error", end);
    again.on("close", () => clearTimeout(late));
    again.on("data", () => undefined);
    again.write(bytes);
  }
}

/** What a client sent, if it is not too much. */
class Recording {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes <= MOST_REPEATED) this.chunks.push(chunk);
  }

  whole(): Buffer | undefined {
    return this.bytes === 0 || this.bytes > MOST_REPEATED ? undefined : Buffer.concat(this.chunks);
  }
}
