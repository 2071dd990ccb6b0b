/** What the sessions of an edge have done, for metrics: plain numbers, because each message counts. */
export interface Counts {
  /** Deliveries by QoS. */
  readonly deliveries: [number, number, number];
  /** Deliveries of what was in flight when a connection ended. */
  redeliveries: number;
  /** Times that a session that was behind read the log. */
  catchUpReads: number;
  takeOvers: number;
  wills: number;
  /** Messages that had expired before they were delivered. */
  expired: number;
}

export function noCounts(): Counts {
  return { deliveries: [0, 0, 0], redeliveries: 0, catchUpReads: 0, takeOvers: 0, wills: 0, expired: 0 };
}
