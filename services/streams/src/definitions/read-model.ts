import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import type { ReadModelDefinition } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Defined } from "../sorting/definitions.js";
import { groupOf, stream, streamOf } from "./stream.js";

/** All that was ever decided on groups and streams: what came then is sorted by what held then. */
export const definitions: ReadModelDefinition<Defined> = {
  name: "definitions",
  version: 2,
  stream: REGISTRY,
  tables: ["stream_definitions"],
  async create(db) {
    await sql`CREATE TABLE stream_definitions (
      namespace text NOT NULL, sequence bigint NOT NULL, at bigint NOT NULL, grp text NOT NULL, stream text NOT NULL,
      set json, PRIMARY KEY (namespace, sequence))`.execute(db);
  },
  // They are settings of their namespace: they stay when it is cleared.
  clear: { rows: async () => undefined, takes: () => false },
  decode({ subject, sequence, time, data }) {
    const { kind, namespace, id } = aggregateOf(subject);
    if (kind !== stream.kind) return [];
    const [group = "", name = ""] = id.split("/");
    const { events, decidedAt } = fromBinary(registry.DecisionSchema, data);
    const last = events.at(-1)?.event;
    const set =
      last?.case === "streamGroupSet"
        ? groupOf(last.value)
        : last?.case === "streamSet"
          ? streamOf(last.value)
          : undefined;
    const value = { sequence, at: Number(decidedAt), group, stream: name, set };
    return [{ namespace, key: id, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    const column = <T>(of: (record: (typeof records)[number]) => T) => records.map(of);
    await sql`
      INSERT INTO stream_definitions (namespace, sequence, at, grp, stream, set)
      SELECT * FROM unnest(
        ${column(({ namespace }) => namespace)}::text[], ${column(({ value }) => value.sequence)}::bigint[],
        ${column(({ value }) => value.at)}::bigint[], ${column(({ value }) => value.group)}::text[],
        ${column(({ value }) => value.stream)}::text[],
        ${column(({ value }) => (value.set ? JSON.stringify(value.set) : null))}::json[])
      ON CONFLICT DO NOTHING`.execute(tx.db);
  },
};
