import { namespaceOfSignals, SIGNALS } from "@fieldlog/contracts";
import type { LogRecord, ReadModelDefinition, ReadModelTransaction } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import { ACTIVE } from "../core/slots.js";
import { type Fact, factsIn } from "../log/facts.js";

/**
 * The last that was heard and told of every device, whatever its dialect is: what that means for its liveness is for
 * the machine to say, which knows decisions as well. Times are ms since 1970 UTC; positions of what never was, 0.
 */
export interface HeardRow {
  namespace: string;
  device: string;
  signal_at: number;
  signal_position: number;
  heartbeat_at: number;
  heartbeat_position: number;
  status: string;
  told_active: boolean;
  /** Of the signal that says so. */
  told_at_position: number;
  /** Of the sign of life that it is because of. */
  told_position: number;
  told_at: number;
}

export interface HeardTables {
  heard: HeardRow;
}

export const heard: ReadModelDefinition<Fact> = {
  name: "heard",
  // Raise it when the table or the meaning of a column changes.
  version: 1,
  stream: SIGNALS,
  tables: ["heard"],
  async create(db: Kysely<HeardTables>) {
    const id = sql`text COLLATE "C"`;
    let table = db.schema
      .createTable("heard")
      .addColumn("namespace", id, (column) => column.notNull())
      .addColumn("device", id, (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("told_active", "boolean", (column) => column.notNull());
    for (const column of NUMBERS) table = table.addColumn(column, "bigint", (one) => one.notNull());
    await table.addPrimaryKeyConstraint("heard_pkey", ["namespace", "device"]).execute();
    // Its rows are written over and over: room in each page for that keeps the index as it is.
    await sql`ALTER TABLE heard SET (fillfactor = 70)`.execute(db);
  },
  decode(commit) {
    const namespace = namespaceOfSignals(commit.subject);
    const { time } = commit;
    return factsIn(commit).map((value) => {
      const position = value.kind === "sign" ? value.sign.position : value.position;
      return { namespace, key: value.device, position, time, value };
    });
  },
  async apply(tx, records) {
    const rows = new Map<string, HeardRow>();
    for (const { namespace, key, value } of records) {
      const at = `${namespace}\0${key}`;
      rows.set(at, after(rows.get(at) ?? nothing(namespace, key), value));
    }
    await store(tx, [...rows.values()]);
  },
};

const NUMBERS = [
  ...(["signal_at", "signal_position", "heartbeat_at", "heartbeat_position"] as const),
  ...(["told_at_position", "told_position", "told_at"] as const),
] as const;

function nothing(namespace: string, device: string): HeardRow {
  return {
    ...{ namespace, device, signal_at: 0, signal_position: 0 },
    ...{ heartbeat_at: 0, heartbeat_position: 0, status: "" },
    ...{ told_active: false, told_at_position: 0, told_position: 0, told_at: 0 },
  };
}

function after(row: HeardRow, fact: LogRecord<Fact>["value"]): HeardRow {
  if (fact.kind === "told") {
    const { position, because, phase, at } = fact;
    const told = { told_at_position: position, told_position: because, told_at: at };
    return { ...row, ...told, told_active: phase === ACTIVE };
  }
  const { position, status } = fact.sign;
  const at = Math.max(fact.sign.at, row.signal_at);
  const signal = { ...row, signal_at: at, signal_position: position };
  if (!fact.isHeartbeat) return signal;
  return { ...signal, heartbeat_at: at, heartbeat_position: position, status };
}

/** Whatever stands later in the log wins. */
async function store(tx: ReadModelTransaction, rows: readonly HeardRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = <K extends keyof HeardRow>(name: K) => rows.map((row) => row[name]);
  const newer = (position: string, name: string) =>
    sql.raw(`${name} = CASE WHEN excluded.${position} > 0 THEN excluded.${name} ELSE heard.${name} END`);
  await sql`
    INSERT INTO heard (namespace, device, status, told_active, ${sql.raw(NUMBERS.join(", "))})
    SELECT * FROM unnest(
      ${column("namespace")}::text[], ${column("device")}::text[], ${column("status")}::text[],
      ${column("told_active")}::boolean[], ${sql.join(NUMBERS.map((name) => sql`${column(name)}::bigint[]`))})
    ON CONFLICT (namespace, device) DO UPDATE SET
      signal_at = greatest(heard.signal_at, excluded.signal_at),
      heartbeat_at = CASE WHEN excluded.heartbeat_position > 0
        THEN greatest(heard.signal_at, excluded.heartbeat_at) ELSE heard.heartbeat_at END,
      ${newer("signal_position", "signal_position")}, ${newer("heartbeat_position", "heartbeat_position")},
      ${newer("heartbeat_position", "status")}, ${newer("told_at_position", "told_active")},
      ${newer("told_at_position", "told_position")}, ${newer("told_at_position", "told_at")},
      ${newer("told_at_position", "told_at_position")}`.execute(tx.db);
}
