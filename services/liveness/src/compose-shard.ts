import { limits, type liveness, streamOfShard } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { LeasedWork, ofShard, openReadDatabase, ReadModelRunner, schemaOfShard } from "@fieldlog/read-model";
import type { ServiceImpl } from "@fieldlog/rpc";
import type { Runtime } from "@fieldlog/runtime";
import { Machine } from "./core/machine.js";
import { Rules } from "./core/rules.js";
import { livenessService } from "./rpc.js";
import { Emitter } from "./service/emitter.js";
import { Queries } from "./service/queries.js";
import { LiveTable } from "./service/table.js";
import { heard } from "./table/heard.js";
import { known } from "./table/known.js";
import { loadStored, SCHEMA, type Tables } from "./table/stored.js";

export interface ShardParts {
  readonly shard: number;
  readonly log: EventLog;
  readonly postgresUrl: string;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export interface Shard {
  readonly table: LiveTable;
  readonly service: ServiceImpl<typeof liveness.LivenessService>;
}

/** What each shard has of its own: tables, the devices in memory, and the lease of the one that tells of them. */
export function composeShard(runtime: Runtime, { shard, log, postgresUrl: url, now }: ShardParts): Shard {
  const { logger, metrics, lifecycle, health, settings } = runtime;
  const schema = schemaOfShard(SCHEMA, shard);
  const database = openReadDatabase<Tables>({
    ...{ url, schema, metrics },
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const definitions = { heard: ofShard(heard, shard), known: ofShard(known, shard) };
  const shared = { log, database, logger, metrics };
  const runners = {
    heard: new ReadModelRunner({ ...shared, definition: definitions.heard }),
    known: new ReadModelRunner({ ...shared, definition: definitions.known }),
  };
  const cred = { heartbeatS: settings.credPingTimeoutS, inactiveAfterS: settings.credPingTimeoutS };
  const table = new LiveTable({
    ...{ shard, log, logger },
    machine: () => new Machine(new Rules({ cred }), limits.livenessDevices),
    load: (machine, signal) => loadStored({ database, ...definitions }, machine, signal),
  });
  const emitter = new Emitter({ log, table, stream: streamOfShard(shard), logger, metrics, now });
  const emitting = new LeasedWork({ url, schema, name: "emitter", logger }, (held) => emitter.run(held));

  const named = (name: string) => schemaOfShard(name, shard);
  lifecycle.add({ name: named("database"), stop: () => database.close() });
  for (const runner of Object.values(runners)) {
    const name = `read model ${runner.name}`;
    lifecycle.add({ name, start: () => runner.start(), stop: () => runner.stop() });
    health.add(name, () => runner.ready());
  }
  lifecycle.add({ name: named("devices"), start: async () => table.start(), stop: () => table.stop() });
  lifecycle.add({ name: named("lease"), start: async () => emitting.start(), stop: () => emitting.stop() });
  health.add(named("devices"), async () => table.notReady());

  const queries = new Queries(table, database, now);
  return { table, service: livenessService({ table, runner: runners.heard, queries }) };
}
