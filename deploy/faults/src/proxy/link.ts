import { TcpProxy, type Weather } from "./proxy.js";

/** Connections to which something may happen. */
export interface Weathered {
  set(weather: Partial<Weather>): void;
  /** Resets all. */
  cut(): void;
}

/** All ways of one process (or one kind of client) to one kind of server, which suffer together. */
export class Link implements Weathered {
  private constructor(
    readonly name: string,
    private readonly proxies: readonly TcpProxy[],
  ) {}

  /** @param targets the ports on 127.0.0.1 to which it leads */
  static async to(name: string, targets: readonly (() => number)[]): Promise<Link> {
    return new Link(name, await Promise.all(targets.map((target) => TcpProxy.listen(target))));
  }

  /** One for each target. */
  get ports(): number[] {
    return this.proxies.map(({ port }) => port);
  }

  set(weather: Partial<Weather>): void {
    for (const proxy of this.proxies) proxy.set(weather);
  }

  cut(): void {
    for (const proxy of this.proxies) proxy.cut();
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}
