import {
  CLEARED_KINDS,
  ERASED_KINDS,
  limits,
  REGISTRY,
  registryOfNamespace,
  registrySubject,
} from "@fieldlog/contracts";
import { current, type Decider } from "@fieldlog/decider";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { openReadDatabase, type ReadModelDefinition, ReadModelRunner } from "@fieldlog/read-model";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Decided, decidedIn } from "./decided.js";
import { type SnapshotTables, snapshotModel } from "./snapshot-model.js";
import { Snapshots, SnapshotsUnavailable } from "./snapshots.js";
import { folded, loadState } from "./state-tables.js";

interface Name {
  readonly now: string;
  readonly all: readonly string[];
}

/** Names that a thing had, one after the other; found by the one that it has. */
const names: Decider<Name> = {
  kind: "device",
  initial: { now: "", all: [] },
  evolve: (state, { event }) => {
    if (event.case !== "deviceMetadataChanged") return state;
    const now = event.value.metadata?.name ?? "";
    return { now, all: [...state.all, now] };
  },
};
const model = (version = 1) =>
  snapshotModel({
    version,
    kinds: [{ decider: names, keys: ({ now }: Name) => (now.includes("\u0000") ? [] : [now]) }],
  });

let servers: TestServers;
let log: EventLog;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function run(url: string, version = 1) {
  const database = openReadDatabase<SnapshotTables>({ url, schema: "things" });
  ends.push(() => database.close());
  const runner = new ReadModelRunner({ log, database, definition: model(version) });
  ends.push(() => runner.stop());
  await runner.start();
  const caughtUp = async () =>
    expect(await runner.waitFor(await log.lastSequence(REGISTRY), 60_000)).toBe(true);
  const rows = async () => {
    await caughtUp();
    const aggregates = await database.db.selectFrom("aggregates").selectAll().orderBy("id").execute();
    const keys = await database.db
      .selectFrom("aggregate_keys")
      .selectAll()
      .orderBy("id")
      .orderBy("key")
      .execute();
    return { aggregates, keys };
  };
  return { database, caughtUp, rows, snapshots: new Snapshots(database, version) };
}

async function rename(id: string, name: string, after: number, kind: "device" | "api-key" = "device") {
  const event = { case: "deviceMetadataChanged" as const, value: { metadata: { name } } };
  return log.registry.append({ namespace: "test", kind, id }, { events: [{ event }] }, after);
}

const thing = (id: string) => ({ namespace: "test", id });

describe("snapshots", () => {
  it("follow the log, and are the same when they are built at once", async () => {
    const followed = await run(await servers.databaseUrl("followed"));
    for (const id of ["a", "b", "c"]) {
      let sequence = 0;
      for (let i = 0; i < 10; i++) sequence = await rename(id, `${id}${i}`, sequence);
      await followed.caughtUp();
    }
    await rename("not of its kinds", "x", 0, "api-key");
    const anew = await run(await servers.databaseUrl("anew"));
    const rows = await anew.rows();
    expect(rows).toEqual(await followed.rows());
    expect(rows.aggregates).toHaveLength(3);
    expect(await anew.snapshots.load(names, thing("b"))).toEqual(
      await current(log, names, thing("b"), undefined),
    );
  });

  it("are found by the keys of their newest state alone", async () => {
    const { snapshots, caughtUp } = await run(await servers.databaseUrl("keys"));
    await rename("k1", "same", 0);
    await rename("k2", "same", 0);
    await caughtUp();
    expect(await snapshots.find(names, "same")).toEqual([thing("k1"), thing("k2")]);
    const { sequence } = await current(log, names, thing("k1"), undefined);
    await rename("k1", "other", sequence);
    await caughtUp();
    expect(await snapshots.find(names, "same")).toEqual([thing("k2")]);
    expect(await snapshots.find(names, "other")).toEqual([thing("k1")]);
    expect(await snapshots.find(names, "nobody's")).toEqual([]);
  });

  it("are found by many keys at once, without a limit of their own, and loaded by many ids", async () => {
    const { snapshots, caughtUp } = await run(await servers.databaseUrl("many"));
    for (let i = 0; i < 20; i++) await rename(`m${i}`, i < 18 ? "crowd" : `lone${i}`, 0);
    await caughtUp();
    const found = await snapshots.findAll(names, ["crowd", "lone19", "nobody's"]);
    expect(found).toHaveLength(19);
    expect(found.filter(({ key }) => key === "lone19")).toEqual([{ ...thing("m19"), key: "lone19" }]);
    const loaded = await snapshots.loadAll(names, "test", ["m18", "m19", "nobody"]);
    expect(loaded.map(({ id, state }) => `${id} ${state.now}`).sort()).toEqual(["m18 lone18", "m19 lone19"]);
    expect(await snapshots.loadAll(names, "elsewhere", ["m18"])).toEqual([]);
    expect(await snapshots.findAll(names, [])).toEqual([]);
  });

  it("are found by one key in pages, however many they are", async () => {
    const { database, snapshots, caughtUp } = await run(await servers.databaseUrl("pages"));
    await caughtUp();
    const found = async (key: string) => {
      const pages: string[][] = [];
      for await (const page of snapshots.findPages(names, key)) pages.push(page.map(({ id }) => id));
      return pages;
    };
    expect(await found("nobody's")).toEqual([]);
    const ids = Array.from({ length: limits.pageRows + 1 }, (_, i) => `p${i}`);
    const rows = ids.map((id) => ({ kind: "device", key: "paged", namespace: "test", id }));
    await database.db.insertInto("aggregate_keys").values(rows).execute();
    const pages = await found("paged");
    expect(pages.map(({ length }) => length)).toEqual([limits.pageRows, 1]);
    expect(pages.flat().sort()).toEqual([...ids].sort());
  });

  it("are listed and counted by namespace, oldest decision first", async () => {
    const { snapshots, caughtUp } = await run(await servers.databaseUrl("list"));
    await caughtUp();
    const listed = await snapshots.list(names, "test");
    expect(listed.map(({ sequence }) => sequence)).toEqual(
      listed.map(({ sequence }) => sequence).sort((a, b) => a - b),
    );
    expect(await snapshots.count(names, "test")).toBe(listed.length);
    expect(await snapshots.list(names, "elsewhere")).toEqual([]);
    expect(await snapshots.load(names, thing("nobody"))).toBeUndefined();
  });

  it("hold texts that Postgres itself does not take", async () => {
    const { snapshots, caughtUp } = await run(await servers.databaseUrl("texts"));
    // Applied with the next in one transaction or not, the name with U+0000 is in the state, and is no key.
    const first = await rename("odd", '{"$bytes":"AA=="}\u0000', 0);
    await rename("odd", "plain", first);
    await caughtUp();
    expect(await snapshots.load(names, thing("odd"))).toEqual(
      await current(log, names, thing("odd"), undefined),
    );
  });

  it("of another version are not read: they are folded from the log instead, and not listed", async () => {
    const { database, caughtUp } = await run(await servers.databaseUrl("versions"));
    await caughtUp();
    const newer = new Snapshots(database, 2);
    expect(await newer.load(names, thing("a"))).toBeUndefined();
    await expect(newer.list(names, "test")).rejects.toThrow(SnapshotsUnavailable);
  });

  it("are unavailable before their tables exist", async () => {
    const database = openReadDatabase<SnapshotTables>({
      url: await servers.databaseUrl("none"),
      schema: "things",
    });
    ends.push(() => database.close());
    const snapshots = new Snapshots(database, 1);
    await expect(snapshots.load(names, thing("a"))).rejects.toThrow(SnapshotsUnavailable);
    await expect(snapshots.find(names, "a")).rejects.toThrow(SnapshotsUnavailable);
    await expect(snapshots.count(names, "test")).rejects.toThrow(SnapshotsUnavailable);
  });

  it("lose what is cleared of a namespace, or of a device, and keep what stays", async () => {
    const kinds = ["device", "credential", "configuration", "subscription", "api-key", "member"] as const;
    const clearable = snapshotModel({
      version: 1,
      kinds: kinds.map((kind) => ({ decider: { ...names, kind }, keys: ({ now }: Name) => [now] })),
    });
    const start = async (name: string) => {
      const database = openReadDatabase<SnapshotTables>({
        url: await servers.databaseUrl(name),
        schema: "things",
      });
      const runner = new ReadModelRunner({ log, database, definition: clearable });
      ends.push(
        () => database.close(),
        () => runner.stop(),
      );
      await runner.start();
      return async () => {
        expect(await runner.waitFor(await log.lastSequence(REGISTRY), 60_000)).toBe(true);
        const of = (table: "aggregates" | "aggregate_keys") =>
          database.db
            .selectFrom(table)
            .select(["namespace", "kind", "id"])
            .where("namespace", "in", ["cleared", "kept"])
            .orderBy("namespace")
            .orderBy("kind")
            .orderBy("id")
            .execute();
        const found = await of("aggregates");
        expect(await of("aggregate_keys")).toEqual(found);
        return found.map(({ namespace, kind, id }) => `${namespace} ${kind} ${id}`);
      };
    };
    const live = await start("cleared_live");
    const event = { case: "deviceMetadataChanged" as const, value: { metadata: { name: "x" } } };
    for (const namespace of ["cleared", "kept"]) {
      for (const kind of kinds)
        await log.registry.append({ namespace, kind, id: "d" }, { events: [{ event }] }, 0);
    }
    await live();
    const erased = await log.clearings.record({ namespace: "kept", device: "d" }, "test");
    const told = await log.clearings.record({ namespace: "cleared" }, "test");
    await log.registry.append(
      { namespace: "cleared", kind: "device", id: "new" },
      { events: [{ event }] },
      0,
    );
    const expected = [
      ...["cleared api-key d", "cleared device new", "cleared member d"],
      ...["kept api-key d", "kept device d", "kept member d", "kept subscription d"],
    ];
    expect(await live()).toEqual(expected);
    for (const kind of CLEARED_KINDS) {
      await log.clearings.purge(REGISTRY, registryOfNamespace("cleared", kind), told);
    }
    for (const kind of ERASED_KINDS) {
      await log.clearings.purge(REGISTRY, registrySubject({ namespace: "kept", kind, id: "d" }), erased);
    }
    expect(await (await start("cleared_anew"))()).toEqual(expected);
  });
});

describe("states in a table of a read model's own", () => {
  const tables = new Map([[names.kind, { name: "thing_names", id: "device" }]]);
  const told: string[] = [];
  const definition: ReadModelDefinition<Decided> = {
    ...{ name: "thing-names", version: 1, stream: REGISTRY, tables: ["thing_names"] },
    create: async (db) => {
      await sql`CREATE TABLE thing_names (namespace text, device text, sequence bigint, state json,
        PRIMARY KEY (namespace, device))`.execute(db);
    },
    decode: (commit) => decidedIn(commit, tables),
    apply: async (tx, records) => {
      const changes = await folded(tx, names, tables, records, (_, before, after) =>
        told.push(`${before.now}>${after.now}`),
      );
      for (const { namespace, id, after } of changes)
        await sql`INSERT INTO thing_names VALUES (${namespace}, ${id}, ${after.sequence}, ${JSON.stringify(after.state)})
          ON CONFLICT (namespace, device) DO UPDATE SET sequence = excluded.sequence, state = excluded.state`.execute(
          tx.db,
        );
    },
  };

  it("follow the log from one pull to the next, and are what decisions start from", async () => {
    const database = openReadDatabase<unknown>({ url: await servers.databaseUrl("own"), schema: "things" });
    ends.push(() => database.close());
    const runner = new ReadModelRunner({ log, database, definition });
    ends.push(() => runner.stop());
    await runner.start();
    let sequence = 0;
    for (const name of ["one", "two", "three"]) {
      sequence = await rename("own", name, sequence);
      expect(await runner.waitFor(sequence, 60_000)).toBe(true);
      const loaded = await loadState(database, tables, names, thing("own"));
      expect(loaded).toEqual(await current(log, names, thing("own"), undefined));
      expect(loaded?.state.now).toBe(name);
    }
    expect(told).toEqual(expect.arrayContaining([">one", "one>two", "two>three"]));
    expect(await loadState(database, tables, names, thing("nobody"))).toBeUndefined();
    await expect(loadState(database, new Map(), names, thing("own"))).rejects.toThrow(TypeError);
  });
});
