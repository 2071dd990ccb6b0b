import type { Aggregates } from "@fieldlog/aggregates";
import { limits, REGISTRY, streamOfShard } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import type { Objects } from "@fieldlog/objects";
import { NotYet, ofShard, openReadDatabase, ReadModelRunner, schemaOfShard } from "@fieldlog/read-model";
import type { Runtime } from "@fieldlog/runtime";
import { StoredRows } from "./access/stored-rows.js";
import { definitions } from "./definitions/read-model.js";
import { Rows } from "./rows.js";
import { contentMethods, definitionMethods } from "./rpc.js";
import { sorting } from "./sorting/read-model.js";
import { SCHEMA, type StreamTables } from "./sorting/tables.js";
import type { ClearingParts } from "./storage/clearing.js";
import { Outbox } from "./storage/outbox.js";
import type { UsedBy } from "./storage/unused-objects.js";

export interface ShardParts {
  readonly shard: number;
  readonly log: EventLog;
  readonly postgresUrl: string;
  readonly aggregates: Aggregates;
  readonly keys: DataKeys;
  readonly objects: Objects;
}

export interface Shard extends UsedBy, Pick<ClearingParts, "sorted"> {
  readonly rows: Rows;
  readonly stored: StoredRows;
  readonly methods: ReturnType<typeof definitionMethods> & ReturnType<typeof contentMethods>;
}

/** What each shard has of its own: tables, what sorts into them, and what stores what is complete in them. */
export function composeShard(runtime: Runtime, parts: ShardParts): Shard {
  const { logger, metrics, lifecycle, health } = runtime;
  const { shard, log, postgresUrl: url, aggregates, keys, objects } = parts;
  const schema = schemaOfShard(SCHEMA, shard);
  const database = openReadDatabase<StreamTables>({
    ...{ url, schema, metrics },
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const running = { log, database, logger, metrics };
  const defined = new ReadModelRunner({ ...running, definition: ofShard(definitions, shard) });
  const isDecided = defined.waitFor.bind(defined);
  const decided = async () => {
    const newest = await log.lastSequence(REGISTRY).catch((cause: unknown) => {
      throw new NotYet("the log does not answer", { cause });
    });
    if (await isDecided(newest, limits.readYourWritesMs).catch(() => false)) return;
    throw new NotYet("the table of definitions is behind");
  };
  const sorter = new ReadModelRunner({ ...running, definition: ofShard(sorting(decided, schema), shard) });
  const sorted = sorter.waitFor.bind(sorter);
  const rows = new Rows(database);
  const outbox = new Outbox({
    ...{ log, database, objects, keys, logger, url },
    tablesMade: async () => (await sorter.checkpoint().catch(() => undefined)) !== undefined,
  });

  const named = (name: string) => schemaOfShard(name, shard);
  lifecycle.add({ name: named("database"), stop: () => database.close() });
  lifecycle.add({ name: named("definitions"), start: () => defined.start(), stop: () => defined.stop() });
  lifecycle.add({ name: named("sorting"), start: () => sorter.start(), stop: () => sorter.stop() });
  lifecycle.add({ name: named("outbox"), start: async () => outbox.start(), stop: () => outbox.stop() });
  health.add(named("definitions"), () => defined.ready());
  health.add(named("streams"), () => sorter.ready());

  const served = { aggregates, rows, keys, log, store: objects.kind, decided: isDecided, sorted };
  return {
    ...{ rows, sorted, stored: new StoredRows(database) },
    methods: { ...definitionMethods(served), ...contentMethods(served) },
    upToDate: async () => {
      const newest = await log.lastSequence(streamOfShard(shard));
      if (!(await sorted(newest, limits.readYourWritesMs))) return false;
      return (await sorter.status()).parked === 0;
    },
  };
}
