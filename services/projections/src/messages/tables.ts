import { type Kysely, sql } from "kysely";

/** Messages that belong to no dialect, and those from the platform to devices. */
export interface MessageTables {
  messages: MessageRow;
  retained: RetainedRow;
}

export interface MessageRow {
  namespace: string;
  position: number;
  /** Who published it, or whom it concerns. */
  device: string;
  /** Not empty: the message is stored once (QoS 2). */
  identity: string;
  topic: string;
  payload: Buffer;
  /** fieldlog.signals.v1.Publication, encoded. */
  publication: Buffer;
  received_at: Date;
}

/** The newest message of a topic that was to be retained. */
export interface RetainedRow extends Omit<MessageRow, "identity"> {
  expires_at: Date | null;
}

export async function createMessageTables(db: Kysely<MessageTables>): Promise<void> {
  const columns = sql`
    namespace text COLLATE "C" NOT NULL, position bigint NOT NULL, device text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL, payload bytea NOT NULL, publication bytea NOT NULL,
    received_at timestamptz NOT NULL`;
  await sql`
    CREATE TABLE messages (
      ${columns}, identity text COLLATE "C" NOT NULL, PRIMARY KEY (namespace, position)
    )`.execute(db);
  await sql`CREATE INDEX messages_topic ON messages (namespace, topic, position)`.execute(db);
  await sql`
    CREATE UNIQUE INDEX messages_identity ON messages (device, identity, namespace)
     WHERE identity <> ''`.execute(db);
  await sql`
    CREATE TABLE retained (
      ${columns}, expires_at timestamptz, PRIMARY KEY (namespace, topic)
    )`.execute(db);
}
