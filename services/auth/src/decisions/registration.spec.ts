import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type Snapshot } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { RegistrationGone } from "./refusals.js";
import {
  goodUntil,
  issue,
  type Registration,
  refresh,
  registration,
  revokeRegistration,
  revokeSeries,
} from "./registration.js";

const GRACE = 1_000;
const hashOf = (name: string) => Buffer.from(name.repeat(32));
const hex = (name: string) => hashOf(name).toString("hex");

/** A registration whose decisions are taken one after the other, each at its time. */
function history() {
  let at: Snapshot<Registration> = { state: registration.initial, sequence: 0 };
  const decide = <R>(outcome: { events: readonly unknown[]; result: R }, now: number): R => {
    const decision = create(registry.DecisionSchema, {
      events: outcome.events as never,
      decidedAt: BigInt(now),
    });
    if (outcome.events.length > 0) at = fold(registration, at, at.sequence + 1, decision);
    return outcome.result;
  };
  return {
    state: () => at.state,
    issue: (name: string, now: number, expiresAt?: number) => {
      const end = expiresAt === undefined ? {} : { expiresAt };
      const asked = { tokenHash: hashOf(name), provisioningToken: "p", operation: "o", ...end };
      return decide(issue(asked)(at.state), now);
    },
    refresh: (from: string, name: string, now: number) => {
      const asked = { from: hex(from), tokenHash: hashOf(name), graceMs: GRACE, now };
      return decide(refresh(asked)(at.state), now);
    },
    revoke: (now: number) => decide(revokeRegistration(at.state), now),
    good: (now: number) => ["a", "b", "c", "d"].filter((name) => goodUntil(at.state, hex(name), now)),
  };
}

test("a second completion ends the token before", () => {
  const { issue, good, state } = history();
  issue("a", 1);
  expect(good(1)).toEqual(["a"]);
  const { series } = state() as { series: number };
  issue("b", 2);
  expect(good(2)).toEqual(["b"]);
  expect(state()).toMatchObject({ series: series + 1 });
});

test("a refreshed token is good for its grace, and its own parent for none", () => {
  const { issue, refresh, good, state } = history();
  issue("a", 1);
  expect(refresh("a", "b", 10)).toEqual({ again: false });
  expect(good(10)).toEqual(["a", "b"]);
  expect(good(10 + GRACE)).toEqual(["b"]);
  expect(refresh("b", "c", 20)).toEqual({ again: false });
  expect(good(20)).toEqual(["b", "c"]);
  expect(state()).toMatchObject({ series: 1 });
  expect(() => refresh("a", "d", 21)).toThrow(RegistrationGone);
});

test("a parent that is refreshed again revokes its first child, and its grace does not grow", () => {
  const { issue, refresh, good } = history();
  issue("a", 1);
  refresh("a", "b", 10);
  expect(refresh("a", "c", 500)).toEqual({ again: true });
  expect(good(500)).toEqual(["a", "c"]);
  expect(good(10 + GRACE)).toEqual(["c"]);
  expect(() => refresh("a", "d", 10 + GRACE)).toThrow(RegistrationGone);
});

test("a refreshed token lasts as long as the first did", () => {
  const { issue, refresh, good } = history();
  issue("a", 100, 5_100);
  expect(refresh("a", "b", 4_000)).toEqual({ again: false, expiresAt: 9_000 });
  expect(good(5_000)).toEqual(["b"]);
  expect(good(9_000)).toEqual([]);
  expect(() => refresh("b", "c", 9_000)).toThrow(RegistrationGone);
});

test("a revoked one is good no more, which is decided once, until the device is provisioned again", () => {
  const { issue, refresh, revoke, good, state } = history();
  expect(revokeRegistration(registration.initial).events).toEqual([]);
  issue("a", 1);
  revoke(2);
  expect(good(2)).toEqual([]);
  expect(revokeRegistration({ phase: "revoked" }).events).toEqual([]);
  expect(revokeSeries(1)({ phase: "revoked" }).events).toEqual([]);
  expect(() => refresh("a", "b", 3)).toThrow(RegistrationGone);
  issue("c", 4);
  expect(good(4)).toEqual(["c"]);
  const { series } = state() as { series: number };
  expect(revokeSeries(series - 1)(state()).events).toEqual([]);
  expect(revokeSeries(series)(state()).events).toHaveLength(1);
});
