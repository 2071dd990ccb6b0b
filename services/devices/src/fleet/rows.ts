import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import type { Decider, Snapshot } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Properties } from "../properties/properties.js";
import { SCHEMA } from "../read-model.js";
import type { SetTemplate, StepState } from "./fleet-template.js";
import type { Brought } from "./judge.js";
import { type FleetTables, STATES } from "./tables.js";

export interface Counts {
  /** Devices that have its tags. */
  readonly matching: number;
  /** Of its revision: devices that have it, and of which those that took it; devices that failed. */
  readonly applied: number;
  readonly acknowledged: number;
  readonly failed: number;
}

export interface FoundTemplate extends Id {
  readonly template: SetTemplate;
}

export interface FoundDevice {
  readonly device: string;
  readonly state: "waiting" | StepState;
  readonly error: string;
  readonly changedAt: number | undefined;
}

/** A device that may have to do with a template: it has its tags, or got it. */
export interface Candidate {
  readonly device: string;
  /** Of the newest decision on its properties. */
  readonly sequence: number;
  readonly properties: Properties;
  readonly matches: boolean;
  /** What is noted of it; undefined: nothing, or of another revision. */
  readonly brought: Brought | undefined;
}

interface CandidateRow extends Omit<Candidate, "brought"> {
  readonly revision: number | null;
  readonly state: StepState;
  readonly version: number;
  readonly error: string;
  readonly dueAt: Date | null;
}

const own = (table: keyof FleetTables) => sql.table(`${SCHEMA}.${table}`);

const CANDIDATE = sql`p.device, p.sequence, p.state AS properties, f.revision, f.state, f.version, f.error, f.due_at AS "dueAt"`;

/** The tables of fleet templates, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class FleetRows {
  constructor(private readonly database: Pick<ReadDatabase<FleetTables>, "db">) {}

  /** What decisions start from. */
  load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    return loadState(this.database, STATES, decider, id);
  }

  /** Those that are, by name. @param namespace undefined: of all */
  async templates(namespace: string | undefined): Promise<FoundTemplate[]> {
    let query = this.database.db
      .selectFrom("fleet_templates")
      .select(["namespace", "name", "state"])
      .where("phase", "in", ["going", "stopped"])
      .orderBy("namespace")
      .orderBy("name");
    if (namespace !== undefined) query = query.where("namespace", "=", namespace);
    const rows = await inTime(query.execute());
    return rows.map(({ namespace: of, name, state }) => ({
      ...{ namespace: of, id: name, template: state as SetTemplate },
    }));
  }

  async counts({ namespace, id, template }: FoundTemplate): Promise<Counts> {
    const { rows } = await inTime(
      sql<Counts>`
        SELECT (SELECT count(*) FROM ${own("device_properties")} p
                 WHERE p.namespace = ${namespace} AND p.tags @> ${template.wanted.tagsJson}::jsonb
                   AND NOT EXISTS (
                     SELECT FROM ${own("fleet_devices")} f WHERE f.namespace = p.namespace AND f.template = ${id}
                        AND f.device = p.device AND f.revision = ${template.revision} AND f.state = 'gone')
               ) AS matching,
               count(*) FILTER (WHERE version > 0) AS applied,
               count(*) FILTER (WHERE state = 'acknowledged') AS acknowledged,
               count(*) FILTER (WHERE state = 'failed') AS failed
          FROM ${own("fleet_devices")}
         WHERE namespace = ${namespace} AND template = ${id} AND revision = ${template.revision}`.execute(
        this.database.db,
      ),
    );
    return rows[0] ?? { matching: 0, applied: 0, acknowledged: 0, failed: 0 };
  }

  /** Those that failed first, then those that wait for it, have it, took it, and are no more. */
  async devices({ namespace, id, template }: FoundTemplate, limit: number): Promise<FoundDevice[]> {
    const { rows } = await inTime(
      sql<{ device: string; state: FoundDevice["state"]; error: string; at: Date | null }>`
        SELECT * FROM (
        SELECT device, state, error, changed_at AS at FROM ${own("fleet_devices")}
         WHERE namespace = ${namespace} AND template = ${id} AND revision = ${template.revision}
        UNION ALL
        SELECT p.device, 'waiting', '', NULL FROM ${own("device_properties")} p
         WHERE p.namespace = ${namespace} AND p.tags @> ${template.wanted.tagsJson}::jsonb AND NOT EXISTS (
           SELECT FROM ${own("fleet_devices")} f WHERE f.namespace = p.namespace AND f.template = ${id}
              AND f.device = p.device AND f.revision = ${template.revision})
        ) found
         ORDER BY array_position(ARRAY['failed', 'waiting', 'applied', 'acknowledged', 'gone'], state), device
         LIMIT ${sql.lit(limit)}`.execute(this.database.db),
    );
    return rows.map(({ at, ...row }) => ({ ...row, changedAt: at?.getTime() }));
  }

  /** Sequence of the newest decision on properties of a namespace's devices. */
  async newest(namespace: string): Promise<number> {
    const { rows } = await inTime(
      sql<{ newest: number | null }>`
        SELECT max(sequence) AS newest FROM ${own("device_properties")} WHERE namespace = ${namespace}`.execute(
        this.database.db,
      ),
    );
    return rows[0]?.newest ?? 0;
  }

  /** Those whose properties were decided on after a sequence, in that order. */
  async changed(
    { namespace, id, template }: FoundTemplate,
    after: number,
    limit: number,
  ): Promise<Candidate[]> {
    const tags = template.wanted.tagsJson;
    const { rows } = await inTime(
      sql<CandidateRow>`
        SELECT ${CANDIDATE}, p.tags @> ${tags}::jsonb AS matches FROM ${own("device_properties")} p
          LEFT JOIN ${own("fleet_devices")} f
            ON f.namespace = p.namespace AND f.template = ${id} AND f.device = p.device
         WHERE p.namespace = ${namespace} AND p.sequence > ${after}
           AND (p.tags @> ${tags}::jsonb OR f.device IS NOT NULL)
         ORDER BY p.sequence LIMIT ${sql.lit(limit)}`.execute(this.database.db),
    );
    return rows.map((row) => candidateOf(row, template.revision));
  }

  /** Those that did not take it in time. @param now ms since 1970 UTC */
  async late({ namespace, id, template }: FoundTemplate, now: number, limit: number): Promise<Candidate[]> {
    const { rows } = await inTime(
      sql<CandidateRow>`
        SELECT ${CANDIDATE}, false AS matches FROM ${own("fleet_devices")} f
          JOIN ${own("device_properties")} p ON p.namespace = f.namespace AND p.device = f.device
         WHERE f.namespace = ${namespace} AND f.template = ${id} AND f.revision = ${template.revision}
           AND f.due_at <= ${new Date(now).toISOString()}::timestamptz
         ORDER BY f.due_at LIMIT ${sql.lit(limit)}`.execute(this.database.db),
    );
    return rows.map((row) => candidateOf(row, template.revision));
  }
}

function candidateOf(
  { revision, state, version, error, dueAt, ...row }: CandidateRow,
  wanted: number,
): Candidate {
  const isOwn = revision === wanted;
  return { ...row, brought: isOwn ? { state, version, error, dueAt: dueAt?.getTime() } : undefined };
}
