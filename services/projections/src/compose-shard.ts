import type { EventLog } from "@fieldlog/event-log";
import { ofShard, openReadDatabase, ReadModelRunner, schemaOfShard } from "@fieldlog/read-model";
import type { Runtime } from "@fieldlog/runtime";
import { configurations } from "./configurations/definition.js";
import { devices } from "./devices/definition.js";
import { events } from "./events/definition.js";
import { messages } from "./messages/definition.js";
import { readings } from "./readings/definition.js";
import { Retention } from "./retention/retention.js";
import type { Served, Tables } from "./rpc/requests.js";

/** The service's schema in Postgres; that of its first shard. */
const SCHEMA = "projections";

export interface ShardParts {
  readonly shard: number;
  readonly log: EventLog;
  readonly postgresUrl: string;
}

/** What each shard has of its own: tables, the read models that write them, and what deletes from them. */
export function composeShard(runtime: Runtime, { shard, log, postgresUrl: url }: ShardParts): Served {
  const { logger, metrics, lifecycle, health } = runtime;
  const database = openReadDatabase<Tables>({
    ...{ url, schema: schemaOfShard(SCHEMA, shard), metrics },
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const shared = { log, database, logger, metrics };
  const runners = {
    events: new ReadModelRunner({ ...shared, definition: ofShard(events, shard) }),
    readings: new ReadModelRunner({ ...shared, definition: ofShard(readings, shard) }),
    messages: new ReadModelRunner({ ...shared, definition: ofShard(messages, shard) }),
    devices: new ReadModelRunner({ ...shared, definition: ofShard(devices, shard) }),
    configurations: new ReadModelRunner({ ...shared, definition: ofShard(configurations, shard) }),
  };
  const retention = new Retention({ database, rules: runners.configurations, logger, metrics });

  const named = (name: string) => schemaOfShard(name, shard);
  lifecycle.add({ name: named("database"), stop: () => database.close() });
  for (const runner of Object.values(runners)) {
    const name = `read model ${runner.name}`;
    lifecycle.add({ name, start: () => runner.start(), stop: () => runner.stop() });
    health.add(name, () => runner.ready());
  }
  lifecycle.add({ name: named("retention"), start: () => retention.start(), stop: () => retention.stop() });
  return { database, runners };
}
