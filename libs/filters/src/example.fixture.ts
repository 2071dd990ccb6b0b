import type { Matchable } from "./matchable.js";

type Part = Partial<Omit<Matchable, "field">> & {
  readonly fields?: Readonly<Record<string, number | string>>;
};

/** An event of which nothing is known but what is given. */
export function anEvent({ fields = {}, ...part }: Part = {}): Matchable {
  return {
    ...{ name: "", device: "lamp-1", sensorTypes: [] },
    ...part,
    field: (name) => (name === "value" ? part.value : Object.hasOwn(fields, name) ? fields[name] : undefined),
  };
}
