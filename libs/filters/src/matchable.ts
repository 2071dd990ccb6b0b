import { numberOf } from "./numbers.js";

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
   * "value", "magnitude", "readings.0" or "data.a.b" (own properties of JSON objects, indices of arrays);
   * undefined where the event has no such field, or one that is neither a number nor a text.
   */
  field(name: string): number | string | undefined;
}

/** What a field holds, so that equal means `===`: finite decimal numbers as numbers, all else as text. */
export type FieldKey = number | string;

export function fieldKey(event: Matchable, field: string): FieldKey | undefined {
  const held = field === "value" ? event.value : event.field(field);
  return held === undefined ? undefined : keyOf(held);
}

export function keyOf(held: number | string): FieldKey {
  return numberOf(held) ?? String(held);
}
