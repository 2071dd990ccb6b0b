/** An event as filters see it. */
export interface Matchable {
  /** "": it has none. */
  readonly name: string;
  readonly device: string;
  readonly place?: string | undefined;
  readonly action?: string | undefined;
  readonly value?: string | undefined;
  /** Of all sensors whose readings it has. */
  readonly sensorTypes: readonly string[];
  /** Degrees; both or none. */
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
  /**
   * "magnitude", "readings.0" or "data.a.b" (own properties of JSON objects, indices of arrays); undefined where
   * the event has no such field, or one that is neither a number nor a text.
   */
  field(name: string): number | string | undefined;
}
