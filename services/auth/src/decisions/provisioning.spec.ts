import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { fold, InvalidField, type Outcome, type Snapshot } from "@fieldlog/decider";
import { describe, expect, it, test } from "vitest";
import { checkAskedId, resolveId, resolveLifetime } from "./provisioning-choices.js";
import {
  approve,
  begin,
  cancel,
  complete,
  type ProvisioningOperation,
  provisioningOperation,
  stateAt,
} from "./provisioning-operation.js";
import {
  admits,
  createProvisioningToken,
  type DeviceIdMode,
  type LifetimeMode,
  type ProvisioningToken,
  provisioningToken,
  regenerate,
  setEnabled,
} from "./provisioning-token.js";
import { NotFound, ProvisioningEnded } from "./refusals.js";

const DAY = limits.provisioningMs;

function operation() {
  let at: Snapshot<ProvisioningOperation> = { state: provisioningOperation.initial, sequence: 0 };
  const decide = <R>(decision: (state: ProvisioningOperation) => Outcome<R>, now: number): R => {
    const { events, result } = decision(at.state);
    const decided = create(registry.DecisionSchema, { events: [...events], decidedAt: BigInt(now) });
    if (events.length > 0) at = fold(provisioningOperation, at, at.sequence + 1, decided);
    return result;
  };
  const asked = { provisioningToken: "p", deviceId: "porch-1", verificationCode: "K7QP-3M4X" };
  decide(begin({ ...asked, address: "10.0.0.7", attributes: {} }, undefined, 0), 0);
  return {
    state: (now: number) => (at.state.phase === "none" ? "none" : stateAt(at.state, now)),
    sequence: () => at.sequence,
    approve: (now: number, deviceId = "porch-1") => decide(approve({ deviceId }, now), now),
    cancel: (now: number) => decide(cancel(now), now),
    complete: (now: number) => decide(complete(now), now),
  };
}

describe("an operation", () => {
  it("waits, is approved, and may be completed as long as it would have waited", () => {
    const { state, approve, complete } = operation();
    expect(complete(1)).toBeUndefined();
    approve(DAY - 1);
    expect(state(DAY)).toBe("approved");
    expect(complete(DAY)).toMatchObject({ deviceId: "porch-1" });
    expect(complete(2 * DAY - 2)).toMatchObject({ deviceId: "porch-1" });
    expect(state(3 * DAY)).toBe("completed");
    expect(() => complete(2 * DAY - 1)).toThrow(new ProvisioningEnded("expired"));
  });

  it("expires by the clock, approved or not", () => {
    const waiting = operation();
    expect(waiting.state(DAY)).toBe("expired");
    expect(() => waiting.approve(DAY)).toThrow(new ProvisioningEnded("expired"));
    expect(() => waiting.cancel(DAY)).toThrow(new ProvisioningEnded("expired"));
    expect(() => waiting.complete(DAY)).toThrow(new ProvisioningEnded("expired"));
    const approved = operation();
    approved.approve(0);
    expect(approved.state(DAY)).toBe("expired");
  });

  it("is approved or cancelled once, however often that is asked", () => {
    const approved = operation();
    approved.approve(1);
    approved.approve(2);
    expect(approved.sequence()).toBe(2);
    expect(() => approved.approve(3, "cellar-2")).toThrow(new ProvisioningEnded("approved"));
    approved.cancel(4);
    approved.cancel(5);
    expect(approved.sequence()).toBe(3);
    expect(() => approved.approve(6)).toThrow(new ProvisioningEnded("cancelled"));
    expect(() => approved.complete(6)).toThrow(new ProvisioningEnded("cancelled"));
    const done = operation();
    done.approve(1);
    done.complete(2);
    expect(() => done.cancel(3)).toThrow(new ProvisioningEnded("completed"));
    expect(() => cancel(0)(provisioningOperation.initial)).toThrow(NotFound);
  });
});

const modes = (deviceIdMode: DeviceIdMode, more: object = {}) => ({
  ...{ deviceIdMode, lifetimeMode: "allowed" as LifetimeMode, infiniteLifetime: false },
  ...more,
});

test.each<[DeviceIdMode, asked: string, chosen: string, id: string | undefined]>([
  ["either", "porch-1", "", "porch-1"],
  ["either", "porch-1", "cellar-2", "cellar-2"],
  ["either", "", "", "made-up-1"],
  ["either", "", "a b", undefined],
  ["device", "porch-1", "porch-1", "porch-1"],
  ["device", "porch-1", "cellar-2", undefined],
  ["device-only", "porch-1", "", "porch-1"],
  ["technician", "", "cellar-2", "cellar-2"],
  ["technician", "", "", "made-up-1"],
  ["technician-only", "", "", undefined],
  ["technician-only", "", "cellar-2", "cellar-2"],
  ["none", "", "", "made-up-1"],
  ["none", "", "cellar-2", undefined],
])("with mode %s, a device that asks for '%s' and is given '%s' gets %s", (mode, asked, chosen, id) => {
  const resolve = () => resolveId(modes(mode), { asked, chosen, made: "made-up-1" });
  if (id === undefined) expect(resolve).toThrow(InvalidField);
  else expect(resolve()).toBe(id);
});

test.each<[DeviceIdMode, asked: string, chosen: string, id: string]>([
  ["either", "", "", "of-the-token"],
  ["either", "porch-1", "", "porch-1"],
  ["either", "", "cellar-2", "cellar-2"],
  ["technician", "", "", "of-the-token"],
  ["none", "", "", "of-the-token"],
])("with mode %s and an id in the token, '%s' asked and '%s' given is %s", (mode, asked, chosen, id) => {
  expect(resolveId(modes(mode, { deviceId: "of-the-token" }), { asked, chosen, made: "made-up-1" })).toBe(id);
});

test.each<[DeviceIdMode, asked: string, taken: boolean]>([
  ["either", "", true],
  ["either", "a.b-C_9", true],
  ["either", "abc", false],
  ["either", "x".repeat(91), false],
  ["either", "a/b/c", false],
  ["device-only", "", false],
  ["technician", "porch-1", false],
  ["none", "porch-1", false],
])("with mode %s, a device may ask for '%s': %s", (mode, asked, taken) => {
  const check = () => checkAskedId(modes(mode), asked);
  if (taken) check();
  else expect(check).toThrow(InvalidField);
});

test.each<[object, chosen: number | undefined, seconds: number | undefined | "refused"]>([
  [{ registrationLifetimeS: 600 }, undefined, 600],
  [{ registrationLifetimeS: 600 }, 60, 60],
  [{ registrationLifetimeS: 600 }, 601, "refused"],
  [{ registrationLifetimeS: 600 }, 59, "refused"],
  [{ registrationLifetimeS: 600 }, 0, "refused"],
  [{ registrationLifetimeS: 600, infiniteLifetime: true }, 0, undefined],
  [{}, undefined, undefined],
  [{}, 0, undefined],
  [{}, 900, 900],
  [{ lifetimeMode: "disabled" }, 900, "refused"],
  [{ lifetimeMode: "disabled", registrationLifetimeS: 600 }, undefined, 600],
  [{ lifetimeMode: "enforced" }, undefined, "refused"],
  [{ lifetimeMode: "enforced", registrationLifetimeS: 600 }, 600, 600],
  [{ lifetimeMode: "enforced", registrationLifetimeS: 600 }, 0, "refused"],
  [{ lifetimeMode: "enforced", infiniteLifetime: true, registrationLifetimeS: 600 }, 0, undefined],
])("with %j, whoever chooses %s gives %s seconds", (more, chosen, seconds) => {
  const resolve = () => resolveLifetime(modes("either", more), chosen);
  if (seconds === "refused") expect(resolve).toThrow(InvalidField);
  else expect(resolve()).toBe(seconds);
});

describe("a provisioning token", () => {
  const tokenHash = Buffer.alloc(32, 1);
  const hex = tokenHash.toString("hex");
  const asked = {
    ...{ name: "fleet", tokenHash, deviceIdMode: "", deviceId: "", lifetimeMode: "" },
    ...{ infiniteLifetime: false, approved: false },
  };
  const after = (...decisions: ((state: ProvisioningToken) => Outcome<undefined>)[]) => {
    let at: Snapshot<ProvisioningToken> = { state: provisioningToken.initial, sequence: 0 };
    for (const decide of decisions) {
      const decision = create(registry.DecisionSchema, { events: [...decide(at.state).events] });
      at = fold(provisioningToken, at, at.sequence + 1, decision);
    }
    return at.state;
  };
  const made = createProvisioningToken({ ...asked, expiresAt: 9n }, 0);

  it("admits whoever shows it until it expires, is disabled, or another one is in its place", () => {
    expect(admits(after(made), hex, 8)).toBe(true);
    expect(admits(after(made), hex, 9)).toBe(false);
    expect(admits(after(), hex, 0)).toBe(false);
    expect(admits(after(made, setEnabled(false)), hex, 0)).toBe(false);
    expect(admits(after(made, setEnabled(false), setEnabled(true)), hex, 0)).toBe(true);
    const other = Buffer.alloc(32, 2);
    const renewed = after(made, regenerate(other));
    expect(admits(renewed, hex, 0)).toBe(false);
    expect(admits(renewed, other.toString("hex"), 0)).toBe(true);
    expect(setEnabled(true)(renewed).events).toEqual([]);
    for (const decide of [setEnabled(true), regenerate(other)])
      expect(() => decide(after())).toThrow(NotFound);
  });

  it.each<[field: string, value: unknown]>([
    ["name", ""],
    ["name", "x\u0000"],
    ["expiresAt", 0n],
    ["registrations", 0],
    ["registrationLifetimeS", 59],
    ["deviceId", "a b"],
    ["deviceIdMode", "toString"],
    ["lifetimeMode", "never"],
  ])("with %s %s is refused", (field, value) => {
    const decide = createProvisioningToken({ ...asked, [field]: value } as typeof asked, 0);
    expect(() => decide(provisioningToken.initial)).toThrow(InvalidField);
  });

  it("that needs nobody's approval leaves nothing to whoever approves", () => {
    const decide = createProvisioningToken({ ...asked, approved: true, deviceIdMode: "technician-only" }, 0);
    expect(() => decide(provisioningToken.initial)).toThrow(InvalidField);
  });
});
