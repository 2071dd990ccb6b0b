import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import type { Decider, Snapshot } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Properties } from "../properties/properties.js";
import { SCHEMA } from "../read-model.js";
import { jsonPathOf } from "./conditions.js";
import type { SetTemplate, StepState, Wanted } from "./fleet-template.js";
import type { Brought } from "./judge.js";
import { type FleetTables, STATES } from "./tables.js";

export interface Counts {
  /** Devices that have its tags, and meet its conditions. */
  readonly matching: number;
  /** Of its revision: devices that have it, and of which those that took it; devices that failed. */
  readonly applied: number;
  readonly acknowledged: number;
  readonly failed: number;
}

export interface FoundTemplate extends Id {
  readonly template: SetTemplate;
}

/** In the order in which they are shown. */
export const DEVICE_STATES = ["failed", "waiting", "applied", "acknowledged", "gone"] as const satisfies (
  | "waiting"
  | StepState
)[];

export interface FoundDevice {
  readonly device: string;
  readonly state: (typeof DEVICE_STATES)[number];
  readonly error: string;
  readonly changedAt: number | undefined;
}

export interface DevicesAsked {
  /** Empty: all. */
  readonly state: string;
  readonly limit: number;
  /** Id of a device, exclusive; empty: from the first on. */
  readonly after: string;
}

/** A device that may have to do with a template: it is one of those that it is for, or got it. */
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

/** Whether it is for the device `p`. */
function matches({ tagsJson, reportedJson }: Wanted) {
  const tagged = sql<boolean>`p.tags @> ${tagsJson}::jsonb`;
  if (reportedJson === undefined) return tagged;
  const path = jsonPathOf(JSON.parse(reportedJson));
  return sql<boolean>`(${tagged} AND coalesce((p.state #> '{reported,value}')::jsonb @@ ${path}::jsonpath, false))`;
}

interface DeviceRow {
  readonly device: string;
  readonly state: FoundDevice["state"];
  readonly error: string;
  readonly at: Date | null;
}

/** Its devices: those that it came to, and those that wait for it. */
function devicesOf({ namespace, id, template }: FoundTemplate) {
  return sql<DeviceRow>`
    SELECT device, state, error, changed_at AS at FROM ${own("fleet_devices")}
     WHERE namespace = ${namespace} AND template = ${id} AND revision = ${template.revision}
    UNION ALL
    SELECT p.device, 'waiting', '', NULL FROM ${own("device_properties")} p
     WHERE p.namespace = ${namespace} AND ${matches(template.wanted)} AND NOT EXISTS (
       SELECT FROM ${own("fleet_devices")} f WHERE f.namespace = p.namespace AND f.template = ${id}
          AND f.device = p.device AND f.revision = ${template.revision})`;
}

const foundDevice = ({ at, ...row }: DeviceRow): FoundDevice => ({ ...row, changedAt: at?.getTime() });

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
                 WHERE p.namespace = ${namespace} AND ${matches(template.wanted)}
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
  async devices(found: FoundTemplate, limit: number): Promise<FoundDevice[]> {
    const { rows } = await inTime(
      sql<DeviceRow>`
        SELECT * FROM (${devicesOf(found)}) found
         ORDER BY array_position(${DEVICE_STATES}::text[], state), device
         LIMIT ${sql.lit(limit)}`.execute(this.database.db),
    );
    return rows.map(foundDevice);
  }

  /** By id. */
  async page(found: FoundTemplate, { state, limit, after }: DevicesAsked): Promise<FoundDevice[]> {
    const { rows } = await inTime(
      sql<DeviceRow>`
        SELECT * FROM (${devicesOf(found)}) found
         WHERE device > ${after} AND (${state} = '' OR state = ${state})
         ORDER BY device LIMIT ${sql.lit(limit)}`.execute(this.database.db),
    );
    return rows.map(foundDevice);
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
    const isFor = matches(template.wanted);
    const { rows } = await inTime(
      sql<CandidateRow>`
        SELECT ${CANDIDATE}, ${isFor} AS matches FROM ${own("device_properties")} p
          LEFT JOIN ${own("fleet_devices")} f
            ON f.namespace = p.namespace AND f.template = ${id} AND f.device = p.device
         WHERE p.namespace = ${namespace} AND p.sequence > ${after}
           AND (${isFor} OR f.device IS NOT NULL)
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
