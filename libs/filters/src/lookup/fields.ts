import type { registry } from "@fieldlog/contracts";
import { type FieldKey, fieldKey, keyOf, type Matchable } from "../matchable.js";
import { Buckets } from "./buckets.js";
import type { Lookup, Place } from "./place.js";
import { Thresholds } from "./thresholds.js";

/** What reading one more field of each event costs, in filters that could be looked through meanwhile. */
const READING = 8;

/** What is asked of one field. */
class Field<N> {
  readonly equal = new Buckets<FieldKey, N>();
  /** That the field is above, or at, a number; that it is below, or at, one. */
  readonly above = new Thresholds<N>();
  readonly below = new Thresholds<N>();

  get isEmpty(): boolean {
    return this.equal.size + this.above.size + this.below.size === 0;
  }

  find(held: FieldKey, found: (node: N) => void): void {
    this.equal.find(held, found);
    if (typeof held !== "number") return;
    this.above.upTo(held, found);
    this.below.from(held, found);
  }

  place({ operator, operand }: registry.Condition): Place<N> | undefined {
    const wanted = keyOf(operand);
    if (operator === "=") return this.equal.place([wanted]);
    if (typeof wanted !== "number") return undefined;
    if (operator === ">" || operator === ">=") return this.above.place(wanted);
    if (operator === "<" || operator === "<=") return this.below.place(wanted);
    return undefined;
  }
}

/** By values, and by conditions: equality by what is wanted, comparisons by their thresholds in order. */
export class FieldLookup<N> implements Lookup<N> {
  private readonly fields = new Map<string, Field<N>>();

  places({ values, conditions }: registry.EventFilter): Place<N>[] {
    const places = conditions.flatMap((condition) =>
      this.placesIn(condition.field, (field) => field.place(condition)),
    );
    if (values.length === 0) return places;
    const wanted = [...new Set(values.map(keyOf))];
    return [...places, ...this.placesIn("value", (field) => field.equal.place(wanted))];
  }

  find(event: Matchable, found: (node: N) => void): void {
    for (const [name, field] of this.fields) {
      const held = fieldKey(event, name);
      if (held !== undefined) field.find(held, found);
    }
  }

  /** A field is kept only while something asks for it. */
  private placesIn(name: string, of: (field: Field<N>) => Place<N> | undefined): Place<N>[] {
    const field = this.fields.get(name) ?? new Field<N>();
    const place = of(field);
    if (!place) return [];
    return [
      {
        load: place.load + (name === "value" ? 0 : READING),
        put: (node) => {
          this.fields.set(name, field);
          place.put(node);
        },
        take: (node) => {
          place.take(node);
          if (field.isEmpty) this.fields.delete(name);
        },
      },
    ];
  }
}
