import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { sql } from "kysely";
import { storable } from "../storable.js";
import { createConfigurationTables } from "./tables.js";

type Event = registry.RegistryEvent["event"];

/** What was decided about one aggregate. */
interface Decided {
  /** ms since 1970 UTC. */
  readonly at: number;
  readonly events: readonly Event[];
}

const KINDS = new Set(["configuration", "device-name", "namespace"]);

/** Configurations, the names of devices, and how long namespaces keep what devices reported. */
export const configurations: ReadModelDefinition<Decided> = {
  name: "configurations",
  // Raise it when a table or the meaning of a column changes.
  version: 1,
  stream: REGISTRY,
  tables: ["configurations", "device_names", "namespaces"],
  create: createConfigurationTables,
  decode({ subject, sequence, time, data }) {
    const { namespace, kind, id } = aggregateOf(subject);
    if (!KINDS.has(kind)) return [];
    const { events, decidedAt } = fromBinary(registry.DecisionSchema, data);
    const value = { at: Number(decidedAt), events: events.map(({ event }) => event) };
    return [{ namespace, key: id, position: positionOf(sequence, 0), time, value }];
  },
  // Decisions are far fewer than signals, so each event is a statement of its own.
  async apply(tx, records) {
    for (const record of records) for (const event of record.value.events) await applyOne(tx, record, event);
  },
  // What namespaces are, and how long they keep what they have, stays.
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["configurations", "device_names"], cleared),
    takes: ({ device }, key) => device === undefined || device === key,
  },
};

async function applyOne(
  tx: ReadModelTransaction,
  { namespace, key, value: { at } }: LogRecord<Decided>,
  event: Event,
): Promise<void> {
  const when = instant(at);
  switch (event.case) {
    case "configurationCreated": {
      const { revision, valueJson } = event.value;
      await sql`
        INSERT INTO configurations (namespace, device, revision, value, created_at)
        VALUES (${namespace}, ${key}, ${revision}, ${valueJson}, ${when})`.execute(tx.db);
      return;
    }
    case "configurationPublished":
      await sql`
        UPDATE configurations SET published_at = ${when} WHERE namespace = ${namespace} AND device = ${key}
           AND revision = ${event.value.revision} AND published_at IS NULL`.execute(tx.db);
      return;
    case "configurationAcknowledged": {
      const { revision, success, acknowledgedAt } = event.value;
      await sql`
        UPDATE configurations
           SET acknowledged_seconds = ${acknowledgedAt || 0}, received_at = ${when}, success = ${success}
         WHERE namespace = ${namespace} AND device = ${key} AND revision = ${revision}
           AND received_at IS NULL`.execute(tx.db);
      return;
    }
    case "deviceNameReserved":
      await sql`
        INSERT INTO device_names (namespace, name, device) VALUES (${namespace}, ${storable(key)}, ${event.value.device})
        ON CONFLICT (namespace, name) DO UPDATE SET device = excluded.device`.execute(tx.db);
      return;
    case "deviceNameReleased":
      await sql`
        DELETE FROM device_names WHERE namespace = ${namespace} AND name = ${storable(key)}`.execute(tx.db);
      return;
    case "namespaceCreated":
      await sql`INSERT INTO namespaces (name, id) VALUES (${key}, ${event.value.id})`.execute(tx.db);
      return;
    case "retentionChanged": {
      const { measurementDays = null, logDays = null } = event.value;
      await sql`
        UPDATE namespaces SET measurement_days = ${measurementDays}, log_days = ${logDays}
         WHERE name = ${key}`.execute(tx.db);
      return;
    }
    default:
  }
}
