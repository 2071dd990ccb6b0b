import type { registry } from "@fieldlog/contracts";
import { type Facts, type FieldKey, keyOf } from "../facts.js";
import { Buckets } from "./buckets.js";
import type { Lookup, Place } from "./place.js";
import { Ranges } from "./ranges.js";
import { Thresholds } from "./thresholds.js";

/** What reading one more field of each event costs, in filters that could be looked through meanwhile. */
const READING = 8;

/** What is asked of one field. */
class Field<N> {
  readonly equal = new Buckets<FieldKey, N>();
  /** That the field is above, or at, a number; that it is below, or at, one. */
  readonly above = new Thresholds<N>();
  readonly below = new Thresholds<N>();
  readonly between = new Ranges<N>();

  get isEmpty(): boolean {
    return this.equal.size + this.above.size + this.below.size + this.between.size === 0;
  }

  find(held: FieldKey, found: (node: N) => void): void {
    this.equal.find(held, found);
    if (typeof held !== "number") return;
    this.above.upTo(held, found);
    this.below.from(held, found);
    this.between.find(held, found);
  }

  /** For all conditions on this field. */
  places(conditions: readonly registry.Condition[]): Place<N>[] {
    const equal = conditions.filter(({ operator }) => operator === "=");
    const least = bounds(conditions, ">");
    const most = bounds(conditions, "<");
    const places = equal.map(({ operand }) => this.equal.place([keyOf(operand)]));
    if (least.length > 0 && most.length > 0) {
      return [...places, this.between.place(Math.max(...least), Math.min(...most))];
    }
    if (least.length > 0) return [...places, this.above.place(Math.max(...least))];
    return most.length > 0 ? [...places, this.below.place(Math.min(...most))] : places;
  }
}

/** The numbers of the conditions whose operator is this one, with or without equality. */
function bounds(conditions: readonly registry.Condition[], operator: "<" | ">"): number[] {
  return conditions
    .filter((condition) => condition.operator.startsWith(operator))
    .map(({ operand }) => keyOf(operand))
    .filter((wanted) => typeof wanted === "number");
}

/** By values, and by conditions: equality by what is wanted, comparisons by their thresholds, ranges by both. */
export class FieldLookup<N> implements Lookup<N> {
  private readonly fields = new Map<string, Field<N>>();

  places({ values, conditions }: registry.EventFilter): Place<N>[] {
    const byField = Map.groupBy(conditions, ({ field }) => field);
    const places = [...byField].flatMap(([name, all]) => this.placesIn(name, (field) => field.places(all)));
    if (values.length === 0) return places;
    const wanted = [...new Set(values.map(keyOf))];
    return [...places, ...this.placesIn("value", (field) => [field.equal.place(wanted)])];
  }

  find(event: Facts, found: (node: N) => void): void {
    for (const [name, field] of this.fields) {
      const held = event.key(name);
      if (held !== undefined) field.find(held, found);
    }
  }

  /** A field is kept only while something asks for it. */
  private placesIn(name: string, of: (field: Field<N>) => Place<N>[]): Place<N>[] {
    const field = this.fields.get(name) ?? new Field<N>();
    return of(field).map((place) => ({
      load: place.load + (name === "value" ? 0 : READING),
      put: (node) => {
        this.fields.set(name, field);
        place.put(node);
      },
      take: (node) => {
        place.take(node);
        if (field.isEmpty) this.fields.delete(name);
      },
    }));
  }
}
