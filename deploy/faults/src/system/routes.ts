import { Link, type Weathered } from "../proxy/link.js";

interface Route {
  readonly ends: readonly number[];
  readonly link: Link;
}

/** All ways between the servers of a NATS cluster, so that one can be parted from the others. */
export class Routes {
  private readonly all: Route[] = [];

  /** A port by which one server reaches another, which listens on `port`. */
  async add(from: number, to: number, port: number): Promise<number> {
    const link = await Link.to(`nats-${from + 1} to nats-${to + 1}`, [() => port]);
    this.all.push({ ends: [from, to], link });
    return link.ports[0] ?? 0;
  }

  /** By name: of each server all ways from and to it. */
  parts(): Map<string, Weathered> {
    const servers = [...new Set(this.all.flatMap(({ ends }) => ends))].sort();
    return new Map(servers.map((n) => [`nats-${n + 1} from the others`, this.part(n)]));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ link }) => link.close()));
  }

  private part(server: number): Weathered {
    const own = this.all.filter(({ ends }) => ends.includes(server)).map(({ link }) => link);
    return {
      set: (weather) => {
        for (const link of own) link.set(weather);
      },
      cut: () => {
        for (const link of own) link.cut();
      },
    };
  }
}
