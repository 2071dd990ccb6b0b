import { Link } from "../proxy/link.js";
import { type Chance, oneOf } from "../schedule/chance.js";

/** All replicas of one door, each reached by a link of whoever knocks. */
export class Door {
  constructor(
    private readonly links: Map<string, Link>,
    private readonly replicas: readonly { readonly name: string; readonly url: string }[],
  ) {}

  /** Makes links for one kind of clients, `<who> to <replica>`; gives the replicas' URLs through them. */
  async for(who: string): Promise<Ways> {
    const urls: string[] = [];
    for (const { name, url } of this.replicas) {
      const to = new URL(url);
      const link = await Link.to(`${who} to ${name}`, [() => Number(to.port)]);
      this.links.set(link.name, link);
      urls.push(`${to.protocol}//${to.hostname}:${link.ports[0]}`);
    }
    return new Ways(urls);
  }

  /** One port for all replicas, each in turn: for clients that know one address. */
  async balanced(who: string): Promise<number> {
    let turn = 0;
    const ports = this.replicas.map(({ url }) => Number(new URL(url).port));
    const name = this.replicas[0]?.name ?? "";
    const link = await Link.to(`${who} to ${name}s by TLS`, [() => ports[turn++ % ports.length] ?? 0]);
    this.links.set(link.name, link);
    return link.ports[0] ?? 0;
  }

  /** The first replica's URL, without a link: for questions of the suite's own. */
  get direct(): string {
    return this.replicas[0]?.url ?? "";
  }
}

/** Where one kind of clients may knock. */
export class Ways {
  private turn = 0;

  constructor(readonly urls: readonly string[]) {}

  any(chance: Chance): string {
    return oneOf(chance, this.urls);
  }

  /** One replica after the other, as a client does that was cut off. */
  next(): string {
    return this.urls[this.turn++ % this.urls.length] ?? "";
  }
}
