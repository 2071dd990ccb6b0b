/** A signal with an event, as its JSON needs it. Times are ms since 1970 UTC. */
export interface ReportedSignal {
  readonly receivedAt: number | bigint;
  readonly sentAt?: number | bigint | undefined;
  readonly location?: ReportedLocation | undefined;
}

export interface ReportedLocation {
  readonly latitude: number;
  readonly longitude: number;
  readonly source: string;
}

export interface ReportedReadings {
  readonly reading?: ReportedReading | undefined;
  readonly otherReadings: readonly ReportedReading[];
}

export interface ReportedReading {
  readonly sensor: string;
  readonly sensorType: string;
  readonly values: readonly number[];
  readonly occurredAt?: number | bigint | undefined;
  readonly eventCount?: number | undefined;
  readonly windowS?: number | undefined;
}
