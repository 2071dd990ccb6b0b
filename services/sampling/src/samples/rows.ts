import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Decider, Snapshot } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { MadeModel } from "../models/model.js";
import { SCHEMA } from "../tables.js";
import { conditions, type Filter } from "./filter.js";
import type { MadeSample } from "./sample.js";
import { type SampleTables, STATES } from "./tables.js";

export interface FoundSample {
  readonly id: string;
  readonly made: MadeSample;
}

/** Some of the samples that are asked for. */
export interface Page {
  readonly samples: readonly FoundSample[];
  /** There are no more behind them. */
  readonly isLast: boolean;
}

/** Bytes of the samples in one page, but for the last one: it goes over the wire as one message. */
const PAGE_BYTES = 1024 * 1024;

/** How many samples there are of a label in a category. */
export interface Counted {
  readonly category: string;
  readonly label: string;
  readonly samples: number;
  readonly bytes: number;
  readonly lengthMs: number;
}

/** The tables of samples and models, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class Rows {
  constructor(private readonly database: Pick<ReadDatabase<SampleTables>, "db">) {}

  /** What decisions start from. */
  load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    return loadState(this.database, STATES, decider, id);
  }

  async sampleOf(namespace: string, which: { number: number } | { id: string }) {
    const named = this.samples(namespace);
    const query = "id" in which ? named.where("id", "=", which.id) : named.where("number", "=", which.number);
    return foundOf(await inTime(query.executeTakeFirst()));
  }

  /** In order of number; those behind `after`. Fewer than there might be where they are large. */
  async list(namespace: string, filter: Filter, limit: number, after: number): Promise<Page> {
    const page = this.database.db
      .selectFrom("samples")
      .select(["id", "number", "state", sql<number>`octet_length(state::text)`.as("bytes")])
      .where("namespace", "=", namespace)
      .where("phase", "=", "stored")
      .where("number", ">", after)
      .where(conditions(filter))
      .orderBy("number")
      .limit(limit + 1);
    const counted = this.database.db.selectFrom(page.as("page")).select([
      ...(["id", "number", "state", "bytes"] as const),
      // Of those before it.
      sql<number>`sum(bytes) OVER (ORDER BY number) - bytes`.as("before"),
      sql<number>`row_number() OVER (ORDER BY number)`.as("place"),
      sql<number>`count(*) OVER ()`.as("all"),
    ]);
    const query = this.database.db
      .selectFrom(counted.as("counted"))
      .select(["id", "state", "all"])
      .where("before", "<", PAGE_BYTES)
      .where("place", "<=", limit)
      .orderBy("number");
    const rows = await inTime(query.execute());
    return {
      samples: rows.map((row) => foundOf(row) as FoundSample),
      isLast: rows.length === (rows[0]?.all ?? 0),
    };
  }

  /** By category and label, in that order: at most {@link limits.pageRows}. */
  async count(namespace: string, filter: Filter): Promise<Counted[]> {
    const query = this.database.db
      .selectFrom("samples")
      .select(({ fn }) => [
        "category",
        "label",
        fn.countAll<number>().as("samples"),
        fn.sum<number>("bytes").as("bytes"),
        fn.sum<number>("length_ms").as("lengthMs"),
      ])
      .where("namespace", "=", namespace)
      .where("phase", "=", "stored")
      .where(conditions(filter))
      .groupBy(["category", "label"])
      .orderBy("category")
      .orderBy("label")
      .limit(limits.pageRows);
    const rows = await inTime(query.execute());
    return rows.map((row) => ({ ...row, samples: Number(row.samples), bytes: Number(row.bytes) }));
  }

  /** Whether one of that content is stored. @param sha256 hex */
  async hasContent(namespace: string, sha256: string, except: string): Promise<boolean> {
    const query = this.samples(namespace)
      .where("phase", "=", "stored")
      .where("sha256", "=", sha256)
      .where("id", "<>", except)
      .limit(1);
    return (await inTime(query.executeTakeFirst())) !== undefined;
  }

  /** Those of the samplings for which something was stored. */
  async arrived(namespace: string, samplings: readonly string[]): Promise<Set<string>> {
    if (samplings.length === 0) return new Set();
    const query = this.database.db
      .selectFrom("samples")
      .select("sampling")
      .where("namespace", "=", namespace)
      .where("sampling", "<>", "")
      .where("sampling", "=", sql<string>`any(${samplings}::text[])`);
    return new Set((await inTime(query.execute())).map(({ sampling }) => sampling));
  }

  /** Of a device that is erased: a page of what is to be removed. */
  async ofDevice(namespace: string, device: string): Promise<string[]> {
    const query = this.database.db
      .selectFrom("samples")
      .select("id")
      .where("namespace", "=", namespace)
      .where("phase", "=", "stored")
      .where((row) => row.or([row("device", "=", device), row("key", "=", device)]))
      .limit(limits.pageRows);
    return (await inTime(query.execute())).map(({ id }) => id);
  }

  /** Those of the objects to which a sample or a model belongs, and which are not removed. */
  async kept(namespace: string, objects: readonly string[]): Promise<Set<string>> {
    const { rows } = await inTime(
      sql<{ object: string }>`
        SELECT o.object FROM unnest(${objects}::text[]) AS o (object)
         WHERE EXISTS (SELECT FROM ${sql.table(`${SCHEMA}.samples`)} AS s WHERE s.namespace = ${namespace} AND s.phase = 'stored'
                        AND s.id = split_part(o.object, '/', 3))
            OR EXISTS (SELECT FROM ${sql.table(`${SCHEMA}.models`)} AS m WHERE m.namespace = ${namespace} AND m.phase = 'stored'
                        AND m.state -> 'content' -> 'objects' ->> 0 LIKE '%/' || split_part(o.object, '/', 3) || '/%')`.execute(
        this.database.db,
      ),
    );
    return new Set(rows.map(({ object }) => object));
  }

  /** Whether anything that is kept is encrypted with the device's key. */
  async needsKey(namespace: string, device: string): Promise<boolean> {
    const ofModels = this.database.db
      .selectFrom("models")
      .select("id")
      .where("namespace", "=", namespace)
      .where("phase", "=", "stored")
      .limit(1);
    if (device === "" && (await inTime(ofModels.executeTakeFirst())) !== undefined) return true;
    const query = this.samples(namespace).where("phase", "=", "stored").where("key", "=", device).limit(1);
    return (await inTime(query.executeTakeFirst())) !== undefined;
  }

  /** Bytes of a namespace's samples and models. */
  async storedBytes(namespace: string): Promise<number> {
    const query = this.database.db
      .selectFrom("sample_bytes")
      .select("bytes")
      .where("namespace", "=", namespace);
    return (await inTime(query.executeTakeFirst()))?.bytes ?? 0;
  }

  /** The newest first, without those that were removed. */
  async listModels(namespace: string): Promise<MadeModel[]> {
    const query = this.models(namespace)
      .where("phase", "=", "stored")
      .orderBy("version", "desc")
      .limit(limits.models);
    return (await inTime(query.execute())).map(({ state }) => state);
  }

  /** @param version 0: the newest */
  async model(namespace: string, version: number): Promise<MadeModel | undefined> {
    const stored = this.models(namespace).where("phase", "=", "stored");
    const query =
      version === 0 ? stored.orderBy("version", "desc").limit(1) : stored.where("version", "=", version);
    return (await inTime(query.executeTakeFirst()))?.state;
  }

  /** The highest version that there ever was, and how many models there are. */
  async modelCounts(namespace: string): Promise<{ highest: number; stored: number }> {
    const { rows } = await inTime(
      sql<{ highest: number; stored: number }>`
        SELECT coalesce(max(version), 0) AS highest, count(*) FILTER (WHERE phase = 'stored') AS stored
          FROM ${sql.table(`${SCHEMA}.models`)} WHERE namespace = ${namespace}`.execute(this.database.db),
    );
    return { highest: Number(rows[0]?.highest ?? 0), stored: Number(rows[0]?.stored ?? 0) };
  }

  private samples(namespace: string) {
    return this.database.db.selectFrom("samples").select(["id", "state"]).where("namespace", "=", namespace);
  }

  private models(namespace: string) {
    return this.database.db.selectFrom("models").select("state").where("namespace", "=", namespace);
  }
}

function foundOf(row: { readonly id: string; readonly state: MadeSample } | undefined) {
  return row && { id: row.id, made: row.state };
}
