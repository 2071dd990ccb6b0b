import type { AggregateId } from "@fieldlog/contracts";
import type { Principal } from "../access/principal.js";
import { Reason } from "../codec/reason.js";
import type { Client, ClientIndex } from "./client.js";

/** Milliseconds that publishes under way may take after the stop began. */
const DRAIN_MS = 6_000;

/** The connections of this process, and whose they are. */
export class Connections implements ClientIndex {
  private readonly all = new Set<Client>();
  private readonly byPrincipal = new Map<string, Set<Client>>();

  add(client: Client): void {
    this.all.add(client);
  }

  /** It has logged in. */
  noteLogin(client: Client, principal: Principal): void {
    const key = keyOf(principal);
    const those = this.byPrincipal.get(key);
    if (those === undefined) this.byPrincipal.set(key, new Set([client]));
    else those.add(client);
  }

  remove(client: Client, principal: Principal | undefined): void {
    this.all.delete(client);
    if (principal === undefined) return;
    const key = keyOf(principal);
    const those = this.byPrincipal.get(key);
    those?.delete(client);
    if (those?.size === 0) this.byPrincipal.delete(key);
  }

  get size(): number {
    return this.all.size;
  }

  /**
   * Looks at those again whom a decision may concern, once what was known of them is forgotten. Resolves when those are
   * gone that may not stay, and their sessions closed.
   */
  async decided(id: AggregateId): Promise<void> {
    const leaving = [...this.concernedBy(id)].map(async (client) => {
      await client.recheck();
      await client.sessionClosed;
    });
    await Promise.all(leaving);
  }

  private concernedBy({ namespace, kind, id }: AggregateId): Iterable<Client> {
    switch (kind) {
      case "credential":
      case "registration":
      case "device":
        return this.byPrincipal.get(`${namespace}/device:${id}`) ?? [];
      case "clearing":
        return this.devicesOf(namespace, id);
      case "namespace":
        return this.ofNamespace(id);
      case "api-key":
        return this.byPrincipal.get(`key:${id}`) ?? [];
      default:
        return []; // concerns nobody who is logged in
    }
  }

  /** @param id empty: all of the namespace */
  private *devicesOf(namespace: string, id: string): Iterable<Client> {
    const prefix = `${namespace}/device:`;
    for (const [key, clients] of this.byPrincipal) {
      if (id === "" ? key.startsWith(prefix) : key === prefix + id) yield* clients;
    }
  }

  /** It may have been disabled. */
  private *ofNamespace(name: string): Iterable<Client> {
    for (const clients of this.byPrincipal.values()) {
      for (const client of clients) if (client.principal?.namespaceName === name) yield client;
    }
  }

  /**
   * Ends all: what they published is answered first, within {@link DRAIN_MS}; then they are told that the server
   * shuts down. Resolves when their sessions are closed.
   */
  async drain(): Promise<void> {
    const clients = [...this.all];
    for (const client of clients) client.stopReading();
    const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
    await Promise.race([Promise.all(clients.map((client) => client.answered())), late]);
    for (const client of clients) client.end(Reason.serverShuttingDown, "the server shuts down");
    await Promise.race([Promise.all(clients.map((client) => client.sessionClosed)), late]);
  }
}

/** API keys are told apart over all namespaces, devices within theirs. */
function keyOf({ namespace, kind, id }: Principal): string {
  return kind === "key" ? `key:${id}` : `${namespace}/device:${id}`;
}
