import type { AggregateId } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { Principal } from "../access/principal.js";
import type { Client, Dialect } from "../connection/client.js";
import { HubConnection, type HubParts } from "./hub-connection.js";
import { desiredPushes } from "./twin.js";

/** The devices of this dialect that are connected to this edge. */
export class Hub {
  private readonly connections = new Map<string, Set<HubConnection>>();

  constructor(
    private readonly parts: HubParts,
    private readonly logger: Pick<Logger, "error">,
  ) {}

  /** What the dialect adds to the connection; undefined: its client did not log in by it. */
  dialectOf(client: Client, principal: Principal): Dialect | undefined {
    if (principal.hubId === undefined) return undefined;
    const connection = new HubConnection(client, principal, principal.hubId, this.parts, (closed) => {
      const those = this.connections.get(closed.key);
      those?.delete(closed);
      if (those?.size === 0) this.connections.delete(closed.key);
    });
    const those = this.connections.get(connection.key);
    if (those === undefined) this.connections.set(connection.key, new Set([connection]));
    else those.add(connection);
    return connection;
  }

  /** Tells the device what is wanted of it now, if the decision is about that. */
  decided({ namespace, kind, id }: AggregateId, { data, sequence }: Pick<Commit, "data" | "sequence">): void {
    if (kind !== "properties") return;
    const those = this.connections.get(`${namespace}/${id}`);
    if (those === undefined) return;
    try {
      for (const push of desiredPushes(data)) for (const connection of those) connection.push(push);
    } catch (err) {
      this.logger.error({ err, sequence, namespace, device: id }, "a decision that cannot be read");
    }
  }
}
