import type { MessageInitShape } from "@bufbuild/protobuf";
import type { sampling } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import { type RawBuilder, type SqlBool, sql } from "kysely";

/** Which samples are looked for, as the request has it; what is absent, or empty, is not looked at. */
export type Filter = MessageInitShape<typeof sampling.SampleFilterSchema>;

/** What a row of `samples` must fulfil. */
export function conditions(filter: Filter): RawBuilder<SqlBool> {
  const { category, label, device, sensor, signature, sampling, fileName, enabled, sha256 } = filter;
  const all: RawBuilder<SqlBool>[] = [sql`true`];
  const equal = { category, device, sensor, signature, sampling };
  for (const [column, value] of Object.entries(equal)) {
    if (value) all.push(sql`${sql.ref(column)} = ${value}`);
  }
  if (label !== undefined) all.push(sql`label = ${label}`);
  if (enabled !== undefined) all.push(sql`enabled = ${enabled}`);
  if (filter.from !== undefined) all.push(sql`stored_at >= ${instant(Number(filter.from))}`);
  if (filter.to !== undefined) all.push(sql`stored_at < ${instant(Number(filter.to))}`);
  if (sha256 && sha256.length > 0) all.push(sql`sha256 = ${Buffer.from(sha256).toString("hex")}`);
  if (fileName) all.push(sql`file_name LIKE ${patternOf(fileName)}`);
  const metadata = filter.metadata ?? {};
  if (Object.keys(metadata).length > 0) all.push(sql`metadata @> ${JSON.stringify(metadata)}::jsonb`);
  return sql.join(all, sql` AND `);
}

/** A name in which `*` stands for any characters, as LIKE has it. */
export function patternOf(name: string): string {
  return name.replaceAll(/[\\%_]/g, "\\$&").replaceAll(/\*+/g, "%");
}
