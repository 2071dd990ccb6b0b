/** An event as somebody published it, in whichever form. Times are ms since 1970 UTC. */
export interface PublishedEvent {
  /** Whose event it is, where the sender says so. */
  readonly device: string | undefined;
  /** CloudEvents `id`: who sends again sends the same one. Empty: it has none. */
  readonly identity: string;
  readonly name: string;
  readonly occurredAt: number | undefined;
  readonly location: { readonly latitude: number; readonly longitude: number } | undefined;
  readonly action: string | undefined;
  readonly value: string | undefined;
  readonly place: string | undefined;
  /** The sender's own; empty where it is the device's. */
  readonly source: string;
  readonly subject: string;
  readonly dataSchema: string;
  /** Empty: JSON, or no data. */
  readonly dataContentType: string;
  readonly data: Uint8Array | undefined;
  readonly extensions: readonly (readonly [name: string, value: string])[];
  readonly readings: readonly PublishedReading[];
}

export interface PublishedReading {
  readonly sensor: string;
  readonly sensorType: string;
  readonly values: readonly number[];
}

export const NOTHING_SAID: PublishedEvent = Object.freeze({
  ...{ device: undefined, identity: "", name: "", occurredAt: undefined, location: undefined },
  ...{ action: undefined, value: undefined, place: undefined },
  ...{ source: "", subject: "", dataSchema: "", dataContentType: "", data: undefined },
  ...{ extensions: [], readings: [] },
});
