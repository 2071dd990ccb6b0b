import { create } from "@bufbuild/protobuf";
import { limits, registry, signals } from "@fieldlog/contracts";
import { fold, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  acknowledgeConfigurations,
  type Configuration,
  configuration,
  configurationKeys,
  createConfiguration,
  publishConfigurations,
} from "./configuration.js";
import { TooManyConfigurations } from "./refusals.js";

// given / when / then in events; each decision has one event, and the first has sequence 1

type Recorded = NonNullable<RegistryEvent["event"]>;

const created = (revision: number, valueJson = "{}"): Recorded => ({
  case: "configurationCreated",
  value: { revision, valueJson },
});
const published = (revision: number): Recorded => ({ case: "configurationPublished", value: { revision } });
const acknowledged = (revision: number, success = true, acknowledgedAt = 5.5): Recorded => ({
  case: "configurationAcknowledged",
  value: { revision, success, acknowledgedAt },
});
const answer = (revision: number, success = true, occurredAt = 5.5) =>
  create(signals.AcknowledgmentSchema, { revision, success, occurredAt });

const decision = (...events: Recorded[]) =>
  create(registry.DecisionSchema, { events: events.map((event) => ({ event })) });

function stateAfter(...events: Recorded[]): Configuration {
  let snapshot = { state: configuration.initial, sequence: 0 };
  for (const event of events)
    snapshot = fold(configuration, snapshot, snapshot.sequence + 1, decision(event));
  return snapshot.state;
}

function given(...events: Recorded[]) {
  const before = stateAfter(...events);
  return {
    when: <R>(decide: (state: Configuration) => Outcome<R>) => ({
      // biome-ignore lint/suspicious/noThenProperty: the third word of given, when, then
      then: (...expected: Recorded[]) => {
        const { events: led } = decide(before);
        expect(decision(...led.map(({ event }) => event as Recorded))).toEqual(decision(...expected));
      },
      result: () => decide(before).result,
    }),
  };
}

describe("creating", () => {
  test("counts revisions from 0 without a gap, whatever became of those before", () => {
    given().when(createConfiguration('{"a":1}')).then(created(0, '{"a":1}'));
    const later = given(created(0), published(0), created(1), acknowledged(1, false)).when(
      createConfiguration("{}"),
    );
    later.then(created(2));
    expect(later.result()).toBe(2);
  });

  test("is refused when there are as many as there may be", () => {
    const last = { ...configuration.initial, revisions: limits.configurationsPerDevice - 1 };
    expect(createConfiguration("{}")(last).result).toBe(9_999);
    const full = { ...last, revisions: limits.configurationsPerDevice };
    expect(() => createConfiguration("{}")(full)).toThrow(TooManyConfigurations);
  });
});

describe("publishing", () => {
  test("counts once for each revision, and for none that there is not", () => {
    given(created(0), created(1), created(2), published(1))
      .when(publishConfigurations([0, 1, 2, 3]))
      .then(published(0), published(2));
    given(created(0), published(0))
      .when(publishConfigurations([0]))
      .then();
  });

  test("leaves behind what is still to be done, in its order, with where it stands in the log", () => {
    const state = stateAfter(created(0), created(1), published(0), created(2));
    expect(state.unpublished).toEqual([
      { revision: 1, sequence: 2 },
      { revision: 2, sequence: 4 },
    ]);
    expect(configurationKeys(state)).toEqual(["unpublished"]);
    expect(configurationKeys(stateAfter(created(0), published(0)))).toEqual([]);
    expect(configurationKeys(configuration.initial)).toEqual([]);
  });
});

describe("acknowledging", () => {
  const acknowledge = (...answers: signals.Acknowledgment[]) => acknowledgeConfigurations(answers);

  test("the first answer to each revision wins for ever, published or not", () => {
    const both = given(created(0), published(0), created(1)).when(
      acknowledge(answer(1, false, 7), answer(0), answer(1, true, 8), answer(0, false)),
    );
    both.then(acknowledged(1, false, 7), acknowledged(0));
    given(created(0), acknowledged(0, false))
      .when(acknowledge(answer(0), answer(0, false)))
      .then();
  });

  test("of revisions that there are not, or not yet, has no effect", () => {
    given()
      .when(acknowledge(answer(0)))
      .then();
    given(created(0))
      .when(acknowledge(answer(1), answer(2 ** 31 - 1)))
      .then();
    given(created(0), created(1))
      .when(acknowledge(answer(1)))
      .then(acknowledged(1));
  });

  test("works for each of many revisions alone", () => {
    const all = Array.from({ length: 100 }, (_, revision) => revision);
    const odd = all.filter((revision) => revision % 2 === 1);
    const events = [
      ...all.map((revision) => created(revision)),
      ...odd.map((revision) => acknowledged(revision)),
    ];
    given(...events)
      .when(acknowledge(...all.map((revision) => answer(revision))))
      .then(...all.filter((revision) => !odd.includes(revision)).map((revision) => acknowledged(revision)));
  });
});

test("a state stays small: no values, and a bit for each acknowledgment", () => {
  const value = JSON.stringify({ text: "x".repeat(100_000) });
  let state = configuration.initial;
  for (let revision = 0; revision < 1_000; revision++) {
    for (const event of [created(revision, value), published(revision), acknowledged(revision)]) {
      state = fold(configuration, { state, sequence: 0 }, 1, decision(event)).state;
    }
  }
  expect(state).toMatchObject({ revisions: 1_000, unpublished: [] });
  expect(state.acknowledged.length).toBe(125);
});

test("events of others leave it as it is", () => {
  const state = stateAfter(created(0));
  const other = create(registry.RegistryEventSchema, { event: { case: "deviceRemoved", value: {} } });
  expect(configuration.evolve(state, other, { sequence: 9, decidedAt: 0, decidedBy: "" })).toBe(state);
});
