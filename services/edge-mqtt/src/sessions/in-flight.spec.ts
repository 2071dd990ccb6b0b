import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InFlight, InFlightWindow } from "./in-flight.js";

const message = { position: 1, qos: 1, retain: false, subscriptionIds: [], ticket: undefined } as const;

describe("the in-flight window", () => {
  it("has room for as many as the client takes", () => {
    const window = new InFlightWindow(2);
    const first = window.add(message);
    expect(window.hasRoom()).toBe(true);
    window.add(message);
    expect(window.hasRoom()).toBe(false);
    window.delete(first);
    window.delete(first);
    expect(window.hasRoom()).toBe(true);
    window.add(message);
    expect(window.hasRoom()).toBe(false);
  });

  it("never uses a packet id that is in use, and gives all of them in turn", () => {
    const window = new InFlightWindow(65_535);
    const kept = [...Array(1_000)].map(() => window.add(message)).filter((_, i) => i % 2 === 0);
    for (const entry of window.all()) if (!kept.includes(entry)) window.delete(entry);
    const ids = new Set(kept.map((entry) => entry.packetId));
    for (let i = 0; i < 70_000; i++) {
      const entry = window.add(message);
      expect(entry.packetId >= 1 && entry.packetId <= 65_535 && !ids.has(entry.packetId)).toBe(true);
      window.delete(entry);
    }
    while (window.hasRoom()) window.add(message);
    expect(window.count).toBe(65_535);
  });

  it("keeps what an earlier connection left, in order, and counts it when it is sent again", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 20 }),
        (ids) => {
          const window = new InFlightWindow(ids.length);
          for (const packetId of ids) window.restore({ ...message, packetId, state: "publish", sent: false });
          expect(window.all().map((entry: InFlight) => entry.packetId)).toEqual(ids);
          for (const entry of window.all()) {
            expect(window.hasRoom()).toBe(true);
            window.resent(entry);
            window.resent(entry);
          }
          expect(window.hasRoom()).toBe(false);
          for (const packetId of ids) window.delete(window.get(packetId) as InFlight);
          expect(window.hasRoom()).toBe(true);
          expect(window.count).toBe(0);
        },
      ),
    );
  });
});
