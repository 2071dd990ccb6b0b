import pg from "pg";
import { type Fact, type Said, saidBy } from "../ledger/said.js";

/** The tables of what devices said, each with how its rows are read. */
const TABLES = {
  events: {
    columns: "position, device, identity, coalesce(data::text, value) AS text, data->'readings' AS values",
    order: "position",
  },
  measurements: {
    columns: "position, device, '' AS identity, null AS text, values",
    order: "position, index",
  },
  messages: {
    columns: "position, device, identity, convert_from(payload, 'UTF8') AS text, null AS values",
    order: "position",
  },
} as const;
export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

interface Row {
  readonly position: string;
  readonly device: string;
  readonly identity: string | null;
  readonly text: string | null;
  readonly values: number[] | null;
}

export type Tables = Readonly<Record<TableName, readonly Said[]>>;

/** What the tables have of a namespace, in the order of the log. */
export async function readTables(postgresUrl: string, namespace: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: postgresUrl });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const read = async (table: TableName): Promise<Said[]> => {
      const { columns, order } = TABLES[table];
      const { rows } = await client.query<Row>(
        `SELECT ${columns} FROM projections.${table} WHERE namespace = $1 ORDER BY ${order}`,
        [namespace],
      );
      return rows.flatMap((row) => saidBy(factOf(row)) ?? []);
    };
    return {
      events: await read("events"),
      measurements: await read("measurements"),
      messages: await read("messages"),
    };
  } finally {
    await client.end();
  }
}

function factOf({ position, device, identity, text, values }: Row): Fact {
  const said = values === null ? { text: text ?? undefined } : { values };
  return { position: Number(position), device, identity: identity ?? "", ...said };
}
