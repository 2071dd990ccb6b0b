import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  confirm,
  type DeviceName,
  deviceName,
  giveBack,
  mayHave,
  type Reservation,
  release,
  reserve,
} from "./device-name.js";
import { NameTaken } from "./refusals.js";

// given / when / then in events; each list is one decision, and the first has sequence 1

type Recorded = NonNullable<RegistryEvent["event"]>;

const reserved = (device: string): Recorded => ({ case: "deviceNameReserved", value: { device } });
const released: Recorded = { case: "deviceNameReleased", value: {} };
const decision = (events: readonly Recorded[]) =>
  create(registry.DecisionSchema, { events: events.map((event) => ({ event })), decidedAt: 1_000n });

function stateAfter(...decisions: Recorded[][]): DeviceName {
  let snapshot = { state: deviceName.initial, sequence: 0 };
  for (const events of decisions)
    snapshot = fold(deviceName, snapshot, snapshot.sequence + 1, decision(events));
  return snapshot.state;
}

function given(...decisions: Recorded[][]) {
  const before = stateAfter(...decisions);
  return {
    when: (decide: (state: DeviceName) => Outcome<undefined>) => ({
      // biome-ignore lint/suspicious/noThenProperty: the third word of given, when, then
      then: (...expected: Recorded[]) => {
        const { events: led } = decide(before);
        expect(decision(led.map(({ event }) => event as Recorded))).toEqual(decision(expected));
        expect(decide(stateAfter(...decisions, expected)).events, "asked twice").toEqual([]);
      },
      refused: () => expect(() => decide(before)).toThrow(NameTaken),
    }),
  };
}

const reservation = (...decisions: Recorded[][]) => stateAfter(...decisions) as Reservation;

describe("reserving", () => {
  test("a free name, or one that was released", () => {
    given()
      .when(reserve("n", "a", 0))
      .then(reserved("a"));
    given([reserved("b")], [released])
      .when(reserve("n", "a", 0))
      .then(reserved("a"));
  });

  test("again what is reserved for it already, unless it got its present name since", () => {
    given([reserved("a")])
      .when(reserve("n", "a", 0))
      .then();
    given([reserved("a")])
      .when(reserve("n", "a", 1))
      .then(reserved("a"));
  });

  test("another's only if it is that very reservation that was found abandoned", () => {
    given([reserved("b")])
      .when(reserve("n", "a", 0))
      .refused();
    const abandoned = reservation([reserved("b")]);
    given([reserved("b")])
      .when(reserve("n", "a", 0, abandoned))
      .then(reserved("a"));
    given([reserved("b")], [reserved("b")])
      .when(reserve("n", "a", 0, abandoned))
      .refused();
  });
});

describe("a reservation that was taken over", () => {
  const taken = [[reserved("b")], [reserved("a")]];

  test("is worth nothing before it is confirmed", () => {
    expect(stateAfter(...taken)).toEqual({
      phase: "reserved",
      device: "a",
      sequence: 2,
      decidedAt: 1_000,
      from: "b",
    });
    expect(mayHave(stateAfter(...taken), "a", 0)).toBe(false);
    given(...taken)
      .when(release("a", 9))
      .then();
    given(...taken)
      .when(confirm("n", "a", 2))
      .then(released, reserved("a"));
    expect(mayHave(stateAfter(...taken, [released, reserved("a")]), "a", 0)).toBe(true);
  });

  test("still knows the first whose it was when it is taken over once more, for nobody between was confirmed", () => {
    expect(reservation(...taken, [reserved("c")])).toMatchObject({ device: "c", from: "b" });
    expect(reservation(...taken, [reserved("a")])).toMatchObject({ device: "a", from: "b", sequence: 3 });
    expect(reservation(...taken, [reserved("b")])).not.toHaveProperty("from");
  });

  test("is given back to the first whose it was, if that has the name after all", () => {
    given(...taken)
      .when(giveBack(2))
      .then(released, reserved("b"));
    given(...taken, [reserved("c")])
      .when(giveBack(2))
      .then();
    given([reserved("a")])
      .when(giveBack(1))
      .then();
  });

  test("is not confirmed if it was taken over or released meanwhile", () => {
    given(...taken, [reserved("c")])
      .when(confirm("n", "a", 2))
      .refused();
    given(...taken, [reserved("a")])
      .when(confirm("n", "a", 2))
      .refused();
    given(...taken, [released])
      .when(confirm("n", "a", 2))
      .refused();
  });
});

describe("releasing", () => {
  test("a name that its device lost after it was reserved", () => {
    given([reserved("a")])
      .when(release("a", 2))
      .then(released);
    given([reserved("a")])
      .when(release("a", Number.POSITIVE_INFINITY))
      .then(released);
  });

  test("is without effect where it is another's, free, or reserved again since", () => {
    given([reserved("b")])
      .when(release("a", 2))
      .then();
    given().when(release("a", 2)).then();
    given([reserved("a")], [], [reserved("a")])
      .when(release("a", 2))
      .then();
  });
});

test("a device may have a name only on a reservation that is newer than the name that it has", () => {
  const state = stateAfter([reserved("a")], [reserved("a")]);
  expect(mayHave(state, "a", 1)).toBe(true);
  expect(mayHave(state, "a", 2)).toBe(false);
  expect(mayHave(state, "b", 0)).toBe(false);
  expect(mayHave(deviceName.initial, "a", 0)).toBe(false);
});
