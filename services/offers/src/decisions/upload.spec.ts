import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import type { RegistryEvent } from "@fieldlog/decider";
import { describe, expect, it } from "vitest";
import { UnknownReading, UnknownUpload, UploadClosed } from "./refusals.js";
import {
  erase,
  fail,
  finish,
  lapse,
  type Offered,
  offer,
  opened,
  remove,
  start,
  type Upload,
  upload,
} from "./upload.js";

const NOW = Date.UTC(2026, 4, 1);
const offered: Offered = {
  ...{ device: "17", sensor: "0", sensorType: "accelerometer-3-axis", current: false, requestNumber: 9 },
  ...{ request: "r", start: NOW - 60_000, end: NOW, latitude: 34, longitude: -118, format: "data-record" },
  ...{ maxBytes: 1_000, expiresAt: NOW + 60_000, fileName: "data" },
};
const stored = create(registry.UploadStoredSchema, {
  ...{ bytes: 3n, sha256: new Uint8Array(32).fill(1), mediaType: "application/octet-stream", store: "nats" },
  ...{ objects: ["default/17/u/0"], objectBytes: [3n] },
});

type Step = (state: Upload) => { readonly events: readonly RegistryEvent[] };

/** The state after decisions, each taken on what the ones before led to. */
function after(...steps: Step[]): Upload {
  let [state, sequence] = [upload.initial, 40];
  for (const step of steps) {
    for (const event of step(state).events) {
      state = upload.evolve(state, create(registry.RegistryEventSchema, event), {
        sequence,
        decidedAt: NOW + sequence,
        decidedBy: "",
      });
    }
    sequence++;
  }
  return state;
}

const isOffered = offer(offered);
const isStarted = start(NOW, false);
const isStored = finish(stored);
const isFailed = fail("cut off");

describe("an upload", () => {
  it("is what was offered, and its number is where it stands in the log", () => {
    expect(after(isOffered)).toEqual({ phase: "offered", number: 40, offered, offeredAt: NOW + 40 });
    expect(offer(offered)(after(isOffered)).events).toEqual([]);
  });

  it("without a stretch and a place stays without", () => {
    const { start: _, end: __, latitude: ___, longitude: ____, ...bare } = offered;
    expect(after(offer(bare))).toMatchObject({ offered: bare });
    expect(Object.keys((after(offer(bare)) as { offered: Offered }).offered).sort()).toEqual(
      Object.keys(bare).sort(),
    );
  });

  it("begins once", () => {
    expect(after(isOffered, isStarted)).toMatchObject({ phase: "started" });
    expect(() => start(NOW, false)(after(isOffered, isStarted))).toThrow(new UploadClosed("used"));
    expect(() => start(NOW, false)(upload.initial)).toThrow(UnknownUpload);
  });

  it("is gone on with by whoever resumes it", () => {
    expect(start(NOW, true)(after(isOffered)).events).toHaveLength(1);
    expect(start(NOW, true)(after(isOffered, isStarted)).events).toEqual([]);
    expect(() => start(NOW, true)(after(isOffered, isStarted, isStored))).toThrow(new UploadClosed("stored"));
  });

  it("does not begin, nor go on, when its time is over", () => {
    const late = offered.expiresAt;
    expect(() => start(late, false)(after(isOffered))).toThrow(new UploadClosed("expired"));
    expect(() => start(late, true)(after(isOffered, isStarted))).toThrow(new UploadClosed("expired"));
    expect(() => opened(after(isOffered), late)).toThrow(new UploadClosed("expired"));
    expect(opened(after(isOffered), late - 1)).toMatchObject({ number: 40 });
  });

  it("is stored once; told again with the same content, nothing; with another, it is refused", () => {
    const done = after(isOffered, isStarted, isStored);
    expect(done).toMatchObject({
      ...{ phase: "stored", number: 40, storedAt: NOW + 42 },
      stored: { bytes: 3, sha256: "01".repeat(32), objects: ["default/17/u/0"], objectBytes: [3] },
    });
    expect(isStored(done).events).toEqual([]);
    const other = create(registry.UploadStoredSchema, { ...stored, sha256: new Uint8Array(32) });
    expect(() => finish(other)(done)).toThrow(new UploadClosed("used"));
    expect(() => isStored(after(isOffered))).toThrow(new UploadClosed("used"));
    expect(() => isStored(after(isOffered, isStarted, isFailed))).toThrow(new UploadClosed("used"));
  });

  it("fails while it is under way, and its URL stays used", () => {
    const failed = after(isOffered, isStarted, isFailed);
    expect(failed).toMatchObject({ phase: "failed", reason: "cut off" });
    expect(isFailed(failed).events).toEqual([]);
    expect(isFailed(after(isOffered, isStarted, isStored)).events).toEqual([]);
    expect(() => start(NOW, false)(failed)).toThrow(new UploadClosed("used"));
  });

  it("lapses when its time is over, unless it has ended", () => {
    expect(lapse(offered.expiresAt - 1)(after(isOffered)).events).toEqual([]);
    expect(after(isOffered, lapse(offered.expiresAt))).toMatchObject({ phase: "failed", reason: "expired" });
    expect(lapse(offered.expiresAt)(after(isOffered, isStarted, isStored)).events).toEqual([]);
  });

  it("is abandoned when it had begun and lapses: what was stored of it is to be looked for", () => {
    const isLapsed = lapse(offered.expiresAt);
    expect(after(isOffered, isStarted, isLapsed)).toMatchObject({ phase: "failed", abandoned: true });
    expect(after(isOffered, isLapsed)).not.toHaveProperty("abandoned");
    expect(after(isOffered, isStarted, isFailed)).not.toHaveProperty("abandoned");
  });
});

describe("a reading", () => {
  it("is removed once, and only if it was stored", () => {
    const removed = after(isOffered, isStarted, isStored, remove);
    expect(removed).toMatchObject({ phase: "removed" });
    expect(remove(removed).events).toEqual([]);
    for (const state of [upload.initial, after(isOffered), after(isOffered, isFailed)]) {
      expect(() => remove(state)).toThrow(UnknownReading);
    }
  });

  it("of an erased device is removed whatever it is", () => {
    for (const steps of [
      [isOffered],
      [isOffered, isStarted],
      [isOffered, isFailed],
      [isOffered, isStarted, isStored],
    ]) {
      expect(after(...steps, erase)).toMatchObject({ phase: "removed" });
    }
    expect(erase(upload.initial).events).toEqual([]);
  });
});
