import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { endSession, isOpen, session, sessionOf, startDeviceSession, startSession } from "./session.js";

const asked = { userId: "1", userName: "ash", expiresAt: 2_000 };
const started: RegistryEvent = { event: { case: "sessionStarted", value: { ...asked, expiresAt: 2_000n } } };
const ended: RegistryEvent = { event: { case: "sessionEnded", value: {} } };

function given(...events: RegistryEvent[]) {
  const decision = create(registry.DecisionSchema, { events });
  return fold(session, { state: session.initial, sequence: 0 }, 1, decision).state;
}

test("is found by the hash of its token", () => {
  expect(sessionOf(Uint8Array.of(0, 255)).id).toBe("00ff");
});

test("starts once", () => {
  expect(startSession(asked)(given()).events).toEqual([started]);
  expect(startSession(asked)(given(started)).events).toEqual([]);
  expect(startSession(asked)(given(started, ended)).events).toEqual([]);
});

test("is open until it expires", () => {
  expect(isOpen(given(started), 1_999)).toBe(true);
  expect(isOpen(given(started), 2_000)).toBe(false);
  expect(isOpen(given(), 0)).toBe(false);
});

test("is open until it is ended, which is decided once", () => {
  expect(endSession(given(started)).events).toEqual([ended]);
  expect(isOpen(given(started, ended), 0)).toBe(false);
  expect(endSession(given(started, ended)).events).toEqual([]);
  expect(endSession(given()).events).toEqual([]);
});

test("of a device starts once, makes nobody a user, and is ended once", () => {
  const value = { apiKey: "k", apiKeyHash: new Uint8Array(32), namespace: "default", device: "7" };
  const ofDevice: RegistryEvent = { event: { case: "sessionStarted", value } };
  expect(startDeviceSession(value)(given()).events).toEqual([ofDevice]);
  expect(startDeviceSession(value)(given(ofDevice)).events).toEqual([]);
  expect(startDeviceSession(value)(given(ofDevice, ended)).events).toEqual([]);
  expect(given(ofDevice)).toEqual({ phase: "of a device", ...value });
  expect(isOpen(given(ofDevice), 0)).toBe(false);
  expect(endSession(given(ofDevice)).events).toEqual([ended]);
  expect(endSession(given(ofDevice, ended)).events).toEqual([]);
});
