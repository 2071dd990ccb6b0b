import type { Matchable } from "./matchable.js";
import { numberOf } from "./numbers.js";

/** What a field holds, so that equal means `===`: finite decimal numbers as numbers, all else as text. */
export type FieldKey = number | string;

export function keyOf(held: number | string): FieldKey {
  return numberOf(held) ?? String(held);
}

/** An event of which each part is read once, however many filters it is compared with. */
export class Facts {
  readonly name: string;
  readonly device: string;
  readonly place: string | undefined;
  readonly action: string | undefined;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  private types: readonly string[] | undefined;
  private readonly keys = new Map<string, FieldKey | undefined>();

  constructor(private readonly event: Matchable) {
    this.name = event.name;
    this.device = event.device;
    this.place = event.place;
    this.action = event.action;
    this.latitude = event.latitude;
    this.longitude = event.longitude;
  }

  get sensorTypes(): readonly string[] {
    this.types ??= this.event.sensorTypes;
    return this.types;
  }

  /** Undefined: it has no such field. */
  key(field: string): FieldKey | undefined {
    const known = this.keys.get(field);
    if (known !== undefined || this.keys.has(field)) return known;
    const held = field === "value" ? this.event.value : this.event.field(field);
    const key = held === undefined ? undefined : keyOf(held);
    this.keys.set(field, key);
    return key;
  }
}
