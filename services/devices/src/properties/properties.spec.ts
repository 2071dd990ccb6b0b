import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold } from "@fieldlog/decider";
import { expect, it } from "vitest";
import { type Change, change, properties, StaleVersion } from "./properties.js";

/** Decides, and folds what was decided. */
function history() {
  let snapshot = { state: properties.initial, sequence: 0 };
  const decide = (asked: Partial<Change> & Pick<Change, "kind" | "json">) => {
    const { events, result } = change({ replaces: false, expected: undefined, ...asked })(snapshot.state);
    if (events.length > 0) {
      const decision = create(registry.DecisionSchema, {
        events: [...events],
        decidedAt: 5n,
        decidedBy: "x",
      });
      snapshot = fold(properties, snapshot, snapshot.sequence + 1, decision);
    }
    return { events: events.map(({ event }) => event?.value), result };
  };
  return { decide, state: () => snapshot.state };
}

it("begin with version 1, and each has versions of its own", () => {
  const { decide, state } = history();
  expect(state().desired).toEqual({ value: {}, version: 1 });
  decide({ kind: "desired", json: '{"a":1,"b":{"c":2}}' });
  decide({ kind: "desired", json: '{"b":{"c":null,"d":3}}' });
  decide({ kind: "tags", json: '{"site":"roof"}' });
  expect(state()).toEqual({
    desired: { value: { a: 1, b: { d: 3 } }, version: 3, changedAt: 5 },
    reported: { value: {}, version: 1 },
    tags: { value: { site: "roof" }, version: 2, changedAt: 5 },
  });
});

it("replaced, what is no more is taken away by what is said", () => {
  const { decide, state } = history();
  decide({ kind: "desired", json: '{"a":1,"b":2}' });
  const { events, result } = decide({ kind: "desired", json: '{"b":2,"c":null,"d":4}', replaces: true });
  expect(result).toEqual({ a: null, d: 4 });
  expect(events).toMatchObject([{ version: 3n, patchJson: '{"a":null,"d":4}' }]);
  expect(state().desired.value).toEqual({ b: 2, d: 4 });
});

it("that are so already are not decided again", () => {
  const { decide } = history();
  decide({ kind: "reported", json: '{"a":[1,2]}' });
  expect(decide({ kind: "reported", json: '{"a":[1,2],"b":null}' })).toEqual({
    events: [],
    result: undefined,
  });
});

it("are refused when they are based on another version", () => {
  const { decide, state } = history();
  decide({ kind: "reported", json: '{"a":1}', expected: 1 });
  expect(() => decide({ kind: "reported", json: '{"a":2}', expected: 1 })).toThrow(StaleVersion);
  decide({ kind: "reported", json: '{"a":2}', expected: 2 });
  expect(state().reported.version).toBe(3);
});

it("say which desired version the device has taken; it is told by itself too, and never goes back", () => {
  const { decide, state } = history();
  decide({ kind: "desired", json: '{"a":1}' });
  expect(decide({ kind: "reported", json: "{}", taken: 2 }).events).toMatchObject([
    { version: 1n, patchJson: "{}", desiredVersion: 2n },
  ]);
  expect([state().taken, state().reported]).toEqual([2, { value: {}, version: 1 }]);
  decide({ kind: "reported", json: '{"x":1}', taken: 1 });
  expect(state().taken).toBe(2);
  expect(() => decide({ kind: "reported", json: "{}", taken: 3 })).toThrow("taken_version");
});

it("are bounded after the change, not only in it", () => {
  const { decide } = history();
  for (let i = 0; i < 8; i++)
    decide({ kind: "desired", json: JSON.stringify({ [`k${i}`]: "x".repeat(4_000) }) });
  expect(() => decide({ kind: "desired", json: JSON.stringify({ k9: "x".repeat(4_000) }) })).toThrow("bytes");
});
