import { array, assert, integer, oneof, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { anEvent } from "./example.fixture.js";
import { FilterIndex } from "./filter-index.js";
import { type FilterJson, parseFilter } from "./filter-json.js";
import type { Matchable } from "./matchable.js";
import { matches } from "./matches.js";
import { event, filterJson } from "./random.fixture.js";

const found = <T>(index: FilterIndex<T>, of: Matchable): T[] => {
  const values: T[] = [];
  index.match(of, (value) => values.push(value));
  return values.sort();
};
const filters = (...json: FilterJson[]) => json.map(parseFilter);

test("it finds what a loop over all subscribers finds, whatever was added and deleted", () => {
  const change = record({
    value: integer({ min: 0, max: 30 }),
    filters: array(filterJson, { maxLength: 3 }),
  });
  const step = oneof(
    { weight: 8, arbitrary: change.map((added) => ({ added })) },
    { weight: 2, arbitrary: integer({ min: 0, max: 30 }).map((deleted) => ({ deleted })) },
    { weight: 4, arbitrary: event.map((asked) => ({ asked })) },
  );
  assert(
    property(array(step, { minLength: 10, maxLength: 60 }), array(event, { minLength: 5 }), (steps, last) => {
      const index = new FilterIndex<number>();
      const all = new Map<number, ReturnType<typeof filters>>();
      const compare = (asked: Matchable) => {
        const expected = [...all].filter(([, any]) => any.some((filter) => matches(filter, asked)));
        expect(found(index, asked)).toEqual(expected.map(([value]) => value).sort());
      };
      for (const each of steps) {
        if ("asked" in each) compare(each.asked);
        else if ("deleted" in each) {
          index.delete(each.deleted);
          all.delete(each.deleted);
        } else {
          const parsed = filters(...each.added.filters);
          index.add(parsed, each.added.value);
          all.set(each.added.value, parsed);
        }
        expect(index.size).toBe(all.size);
      }
      for (const asked of last) compare(asked);
      for (const value of all.keys()) index.delete(value);
      for (const asked of last) expect(found(index, asked)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("it finds by one part alone what a loop finds, at borders, poles and the antimeridian too", () => {
  const part = filterJson.chain((json) => {
    const keys = Object.keys(json) as (keyof FilterJson)[];
    return integer({ min: 0, max: Math.max(0, keys.length - 1) }).map((at): FilterJson => {
      const key = keys[at];
      return key ? { [key]: json[key] } : {};
    });
  });
  assert(
    property(array(part, { minLength: 1, maxLength: 40 }), array(event, { minLength: 5 }), (all, asked) => {
      const index = new FilterIndex<number>();
      const parsed = filters(...all);
      for (const [number, filter] of parsed.entries()) index.add([filter], number);
      for (const one of asked) {
        const expected = [...parsed.entries()].filter(([, filter]) => matches(filter, one));
        expect(found(index, one)).toEqual(expected.map(([number]) => number).sort());
      }
    }),
    { numRuns: 300 },
  );
});

describe("visits", () => {
  test("each subscriber is visited once, though several of its filters match", () => {
    const index = new FilterIndex<string>();
    index.add(filters({}, { names: ["Light*"] }, { devices: ["lamp-1"] }, {}), "one");
    index.add(filters({}), "other");
    expect(found(index, anEvent({ name: "LightOn" }))).toEqual(["one", "other"]);
  });

  test("a visit may delete others, which are visited no more, and add some", () => {
    const index = new FilterIndex<number>();
    for (let number = 0; number < 10; number++) index.add(filters({}), number);
    const visited: number[] = [];
    index.match(anEvent(), (number) => {
      visited.push(number);
      for (let other = 0; other < 10; other++) if (other !== number) index.delete(other);
      index.add(filters({}), number + 100);
    });
    expect(visited).toHaveLength(1);
    expect(index.size).toBe(2);
  });

  test("adding again replaces the filters", () => {
    const index = new FilterIndex<string>();
    index.add(filters({ names: ["Light"] }), "one");
    index.add(filters({ names: ["Door"] }), "one");
    expect(found(index, anEvent({ name: "Light" }))).toEqual([]);
    expect(found(index, anEvent({ name: "Door" }))).toEqual(["one"]);
    const all: string[] = [];
    index.each((value) => all.push(value));
    expect(all).toEqual(["one"]);
  });
});

describe("few filters are compared with one event", () => {
  function compared(subscribers: readonly FilterJson[], event: Parameters<typeof anEvent>[0]): number {
    const index = new FilterIndex<number>();
    for (const [number, json] of subscribers.entries()) index.add(filters(json), number);
    return index.match(anEvent(event), () => undefined);
  }
  const thousand = <T>(of: (number: number) => T) => Array.from({ length: 1_000 }, (_, number) => of(number));
  // The same in all: it cannot tell them apart.
  const devices = ["lamp-1"];

  test("those of other names, where all are of one device", () => {
    const all = thousand((number) => ({ devices, names: [`Light-${number}`] }));
    expect(compared(all, { name: "Light-77" })).toBeLessThan(5);
  });

  test("those of one place, where all have the same name", () => {
    const all = thousand((number) => ({ devices, names: ["Light*"], places: [`Room ${number}`] }));
    expect(compared(all, { name: "LightOn", place: "Room 5" })).toBeLessThan(5);
  });

  test("those whose threshold holds", () => {
    const all = thousand((value) => {
      return { conditions: [{ field: "magnitude", op: ">" as const, value }] };
    });
    expect(compared(all, { fields: { magnitude: 20 } })).toBeLessThan(25);
  });

  test("those whose range is near", () => {
    const field = "data.celsius";
    const all = thousand((number) => ({
      conditions: [
        { field, op: ">=" as const, value: number },
        { field, op: "<" as const, value: number + 2 },
      ],
    }));
    expect(compared(all, { fields: { [field]: 500 } })).toBeLessThan(10);
  });

  test("one, where all have the same", () => {
    expect(
      compared(
        thousand(() => ({ names: ["*"] })),
        { name: "Light" },
      ),
    ).toBe(1);
  });

  test("those of areas nearby", () => {
    const all = thousand((number) => {
      const [latitude, longitude] = [(number % 100) - 50, Math.floor(number / 100) * 10];
      return { devices, area: { circle: { latitude, longitude, radiusM: 20_000 } } };
    });
    expect(compared(all, { latitude: 10, longitude: 50 })).toBeLessThan(10);
  });
});
