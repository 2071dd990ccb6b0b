import type { projections, signals } from "@fieldlog/contracts";

// Our words as tenta's. One answer serves both generations: where they spell a field differently, it has both.

export const DIALECT = "tenta";
/** What a sensor logs in with by MQTT. */
export const CREDENTIAL_KIND = "mqtt-password";

/** Seconds since 1970 of ms since 1970. */
export function seconds(ms: bigint | undefined): number | null {
  return ms === undefined ? null : Number(ms) / 1000;
}

export function sensorJson({ id, name, lastSeenAt }: projections.NamedDevice) {
  return { sensor_identifier: id, sensor_name: name, last_seen_timestamp: seconds(lastSeenAt) };
}

/** A3.1: of each sensor two arrays that belong together, also where it measured nothing. */
export function valueCounts(
  sensors: readonly projections.NamedDevice[],
  counts: readonly projections.ValueCount[],
) {
  const byDevice = Map.groupBy(counts, ({ device }) => device);
  return sensors.map(({ id, name }) => {
    const own = byDevice.get(id) ?? [];
    return {
      sensor_identifier: id,
      sensor_name: name,
      bucket_timestamps: own.map(({ begin }) => Number(begin) / 1000),
      measurement_counts: own.map(({ count }) => Number(count)),
    };
  });
}

/** A revision as JSON text: its value is passed on as it was written. */
export function configurationText(configuration: projections.StoredConfiguration): string {
  const { revision, valueJson, acknowledgedAt = null, success = null } = configuration;
  const head = JSON.stringify({
    revision,
    creation_timestamp: seconds(configuration.createdAt),
    publication_timestamp: seconds(configuration.publishedAt),
    acknowledgement_timestamp: acknowledgedAt,
    acknowledgment_timestamp: acknowledgedAt,
    receipt_timestamp: seconds(configuration.receivedAt),
    success,
  });
  return `${head.slice(0, -1)},"value":${valueJson}}`;
}

export function measurementJson({ occurredAt, revision, attributes, values }: signals.Measurement) {
  return {
    value: Object.fromEntries(attributes.map((attribute, index) => [attribute, values[index]])),
    revision: revision ?? null,
    creation_timestamp: occurredAt,
  };
}

export function averagesJson(averages: readonly projections.HourlyAverage[]) {
  const byAttribute = Map.groupBy(averages, ({ attribute }) => attribute);
  const lists = [...byAttribute].map(([attribute, own]) => [
    attribute,
    own.map(({ hour, average }) => ({ bucket_timestamp: Number(hour) / 1000, average })),
  ]);
  return Object.fromEntries(lists);
}

/** The older generation has subject and details, the newer one a message. */
export function logJson(entry: signals.LogEntry) {
  const { severity, message, details, divided } = entry;
  return {
    severity,
    message: divided && details !== undefined ? `${message}: ${details}` : message,
    subject: message,
    details: details ?? null,
    revision: entry.revision ?? null,
    creation_timestamp: entry.occurredAt,
  };
}

export function logSummaryJson(summary: projections.LogSummary) {
  const { severity, message, firstRevision = null, lastRevision = null } = summary;
  return {
    severity,
    subject: message,
    min_revision: firstRevision,
    max_revision: lastRevision,
    min_creation_timestamp: summary.firstOccurredAt,
    max_creation_timestamp: summary.lastOccurredAt,
    count: Number(summary.count),
  };
}
