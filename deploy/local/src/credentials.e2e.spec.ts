import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningNats, type RunningPostgres, startNats, startPostgres } from "@fieldlog/servers";
import { type System, startSystem, temporaryDir, until } from "@fieldlog/testkit";
import { connect } from "@nats-io/transport-node";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";

// The steps are those of deploy/README.md, "Exchange keys and certificates".

type Json = Record<string, unknown>;

const key = `fl_${randomBytes(32).toString("base64url")}`;
const secrets = {
  FIELDLOG_ADMIN_KEY: key,
  FIELDLOG_INTERNAL_TOKEN: randomBytes(32).toString("base64url"),
  FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
};
const FIRST = { nats: "first", natsPassword: "pfirst", role: "fieldlog_first", password: "pfirst" };
const SECOND = { nats: "second", natsPassword: "psecond", role: "fieldlog_second", password: "psecond" };
type Credentials = typeof FIRST;

let dir: string;
let nats: RunningNats;
let postgres: RunningPostgres;
/** Two replicas of everything. */
const systems: (System | undefined)[] = [];

beforeAll(async () => {
  dir = await temporaryDir();
  [nats, postgres] = await Promise.all([
    startNats({ dataDir: join(dir, "nats") }),
    startPostgres({ dataDir: join(dir, "postgres") }),
  ]);
  await setUsers(FIRST);
  await sql(
    `CREATE ROLE ${FIRST.role} LOGIN PASSWORD '${FIRST.password}'`,
    `CREATE DATABASE installation OWNER ${FIRST.role}`,
  );
  for (const replica of [0, 1]) await start(replica, FIRST);
});
afterAll(async () => {
  await Promise.all(systems.map((system) => system?.stop()));
  await Promise.all([nats?.stop(), postgres?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

/** What nats.conf says of users, and `nats-server --signal reload`. */
async function setUsers(...users: Credentials[]): Promise<void> {
  const path = join(dir, "nats", "nats.conf");
  const told = users.map((one) => `{ user: ${one.nats}, password: ${one.natsPassword} }`).join(", ");
  await writeFile(path, (await readFile(path, "utf8")).replace(/users: \[.*\]/, `users: [${told}]`));
  process.kill(nats.pid, "SIGHUP");
  await until("NATS has read its users", async () => {
    await (await natsAs(users.at(-1) as Credentials)).close();
    return true;
  });
}

const natsAs = ({ nats: user, natsPassword: pass }: Credentials) =>
  connect({ servers: new URL(nats.url).host, user, pass, reconnect: false });

/** As the superuser. */
async function sql(...statements: string[]): Promise<Json[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    let rows: Json[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

function address(of: string, user: string, password: string, database?: string): string {
  const url = new URL(of);
  [url.username, url.password] = [user, password];
  if (database !== undefined) url.pathname = database;
  return url.href;
}

async function start(replica: number, c: Credentials): Promise<void> {
  const before = systems[replica];
  systems[replica] = undefined;
  await before?.stop();
  systems[replica] = await startSystem({
    natsUrl: address(nats.url, c.nats, c.natsPassword),
    postgresUrl: address(postgres.url, c.role, c.password, "installation"),
    ...{ inOneProcess: true, settings: secrets },
  });
}

async function ask(system: System, method: string, path: string, body?: object): Promise<Json> {
  const authorization = `Bearer ${key}`;
  const headers = { authorization, ...(body && { "content-type": "application/json" }) };
  const init = body && { body: JSON.stringify(body) };
  const answer = await fetch(`${system.url}/v1${path}`, { method, headers, ...init });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Json;
}

/** The table that holds the events, as this role sees it. */
async function table(c: Credentials): Promise<string> {
  const client = new pg.Client(address(postgres.url, c.role, c.password, "installation"));
  await client.connect();
  try {
    const { rows } = await client.query<{ oid: string }>(
      "SELECT oid::text FROM pg_class WHERE relname = 'events' AND relkind IN ('r', 'p')",
    );
    return rows.map(({ oid }) => oid).join();
  } finally {
    await client.end();
  }
}

/** The ids of all events, in their order. */
async function stored(system: System): Promise<unknown[]> {
  const ids: unknown[] = [];
  for (let after = 0; ; ) {
    const page = await ask(system, "GET", `${EVENTS}?type=tick&after=${after}&limit=1000`);
    const events = page["events"] as { id: string; position: number }[];
    if (events.length === 0) return ids;
    ids.push(...events.map(({ id }) => id));
    after = events.at(-1)?.position ?? 0;
  }
}

const EVENTS = "/namespaces/default/events";

/** Sends events one after the other, and reads one, at the replicas in turn. */
function load() {
  const acknowledged: string[] = [];
  /** What a replica said that was up all the time. */
  const refused: unknown[] = [];
  let isGoing = true;
  const run = async () => {
    for (let n = 0; isGoing; n++) {
      const system = systems[n % 2];
      if (system === undefined) continue;
      const id = `event-${n}`;
      try {
        await ask(system, "POST", EVENTS, { name: "tick", id, data: n });
        acknowledged.push(id);
        await ask(system, "GET", `${EVENTS}?limit=1`);
      } catch (error) {
        // One that is being stopped may refuse.
        if (systems.includes(system)) refused.push(error);
      }
      await sleep(10);
    }
  };
  const running = run();
  const stop = async () => {
    isGoing = false;
    await running;
  };
  return { acknowledged, refused, stop };
}

it("exchanges the passwords of NATS and PostgreSQL while events come in", { timeout: 240_000 }, async () => {
  const { acknowledged, refused, stop } = load();
  await until("some came in", () => acknowledged.length > 20);
  await setUsers(FIRST, SECOND);
  await sql(
    `CREATE ROLE ${SECOND.role} LOGIN PASSWORD '${SECOND.password}' IN ROLE ${FIRST.role}`,
    `ALTER ROLE ${SECOND.role} SET role = '${FIRST.role}'`,
  );
  for (const replica of [0, 1]) {
    const before = acknowledged.length;
    await start(replica, SECOND);
    expect(acknowledged.length).toBeGreaterThan(before);
  }

  await setUsers(SECOND);
  const ended = await sql(
    `ALTER ROLE ${FIRST.role} PASSWORD NULL`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${FIRST.role}'`,
  );
  expect(ended).toEqual([]);
  await expect(natsAs(FIRST)).rejects.toThrow(/authorization/i);
  const client = new pg.Client(address(postgres.url, FIRST.role, FIRST.password, "installation"));
  await expect(client.connect()).rejects.toThrow(/password authentication failed/);

  const then = acknowledged.length;
  await until("more came in", () => acknowledged.length > then + 20);
  await stop();
  expect(refused).toEqual([]);
  // The new role owns what the first one made, and so may replace it.
  const [system] = systems as [System];
  const before = await table(SECOND);
  await ask(system, "POST", "/read-models/events/rebuild");
  await until("the table of events is another one", async () => (await table(SECOND)) !== before);
  expect(await stored(system)).toEqual(acknowledged);
});
