import type { projections } from "@fieldlog/contracts";
import type { ServiceImpl } from "@fieldlog/rpc";
import { countValues, hourlyAverages, latestValues } from "../readings/hours-query.js";
import {
  type LogEntryFound,
  type LogSummaryFound,
  pageOfLogEntries,
  summarizeLogEntries,
} from "../readings/log-query.js";
import { pageOfMeasurements } from "../readings/measurements-query.js";
import { checkLimit, dateOf, given, millis, reach, type Served, same } from "./requests.js";

type Answers = Pick<
  ServiceImpl<typeof projections.ProjectionsService>,
  | "listMeasurements"
  | "listLogEntries"
  | "listHourlyAverages"
  | "listLatestValues"
  | "countValues"
  | "summarizeLogEntries"
>;

export function readings({ database, runners }: Served): Answers {
  const model = runners.readings;
  return {
    listMeasurements: async ({ occurredAt, limit, atLeast, ...asked }) => {
      checkLimit(limit);
      await reach(atLeast, model);
      const page = { ...asked, limit, ...given("cursor", occurredAt, same) };
      const found = await pageOfMeasurements(database, page);
      return {
        measurements: found.map(({ seconds, revision, attributes, values }) => ({
          ...{ occurredAt: seconds, attributes: [...attributes], values: [...values] },
          ...given("revision", revision, same),
        })),
      };
    },
    listLogEntries: async ({ occurredAt, limit, atLeast, ...asked }) => {
      checkLimit(limit);
      await reach(atLeast, model);
      const page = { ...asked, limit, ...given("cursor", occurredAt, same) };
      return { entries: (await pageOfLogEntries(database, page)).map(toLogEntry) };
    },
    listHourlyAverages: async ({ namespace, device, from, atLeast }) => {
      await reach(atLeast, model);
      const averages = await hourlyAverages(database, namespace, device, dateOf(from));
      return { averages: averages.map(({ hour, ...rest }) => ({ ...rest, hour: millis(hour) })) };
    },
    listLatestValues: async ({ namespace, device, atLeast }) => {
      await reach(atLeast, model);
      const values = await latestValues(database, namespace, device);
      return { values: values.map(({ seconds, ...rest }) => ({ ...rest, occurredAt: seconds })) };
    },
    countValues: async ({ namespace, from, atLeast }) => {
      await reach(atLeast, model);
      const counts = await countValues(database, namespace, dateOf(from));
      return {
        counts: counts.map(({ device, begin, count }) => {
          return { device, begin: millis(begin), count: BigInt(count) };
        }),
      };
    },
    summarizeLogEntries: async ({ namespace, device, atLeast }) => {
      await reach(atLeast, model);
      return { summaries: (await summarizeLogEntries(database, namespace, device)).map(toSummary) };
    },
  };
}

function toLogEntry({ seconds, severity, revision, message, details, divided }: LogEntryFound) {
  return {
    ...{ occurredAt: seconds, severity, message, divided },
    ...given("revision", revision, same),
    ...given("details", details, same),
  };
}

function toSummary(row: LogSummaryFound) {
  return {
    ...{ severity: row.severity, message: row.message, count: BigInt(row.count) },
    ...given("firstRevision", row.first_revision, same),
    ...given("lastRevision", row.last_revision, same),
    ...{ firstOccurredAt: row.first_seconds, lastOccurredAt: row.last_seconds },
  };
}
