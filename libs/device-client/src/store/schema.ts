import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreUnusable } from "../errors.js";

/** "Fldl": tells our files from other SQLite files. */
const APPLICATION_ID = 0x466c646c;
const VERSION = 1;
const SQLITE_BUSY = 5;

/**
 * What is in a file of this package. `outbox.run` tells the process that stored a row: a file that was restored from a
 * copy never gives an id again. `outbox.topic` holds the property bag of a stream's message, or a topic with `*` in
 * place of the device.
 */
const TABLES = `
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, kind INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL
  ) STRICT;
  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, properties TEXT NOT NULL, payload BLOB NOT NULL
  ) STRICT;
  CREATE TABLE refused (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

/**
 * Opens the file, or makes it, for this process alone; only its owner may read it, since it holds the registration. A
 * commit is on the disk when it returns (WAL, synchronous=FULL). Raises StoreUnusable.
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (file !== ":memory:") {
      if (!existsSync(file)) writeFileSync(file, "", { mode: 0o600, flag: "a" });
      chmodSync(file, 0o600);
    }
    database = new DatabaseSync(file);
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -1000;
      PRAGMA journal_size_limit = 16777216;
    `);
    // Takes the lock now, and not with the first message.
    database.exec("BEGIN EXCLUSIVE");
    prepare(database);
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof StoreUnusable) throw error;
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new StoreUnusable("store-in-use", "another process uses this file");
    }
    throw new StoreUnusable("store-unusable", `the file cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function prepare(database: DatabaseSync): void {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"]);
  if (tables === 0) database.exec(TABLES);
  else if (pragma("application_id") !== APPLICATION_ID || pragma("user_version") !== VERSION) {
    throw new StoreUnusable("store-unusable", "the file is of another program, or of another version");
  }
}
