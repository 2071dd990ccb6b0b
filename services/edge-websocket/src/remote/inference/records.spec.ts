import { create } from "@bufbuild/protobuf";
import { limits, remote } from "@fieldlog/contracts";
import { LogUnavailable, SignalTooLarge } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import { fakeSession, type HELLO } from "../session.fixture.js";
import type { Record } from "./record.js";
import { Records } from "./records.js";

const SEEN = { result: { classification: { cat: 1 } }, timing: { dsp: 1 } };
const record = (index: number) => ({ impulseRecord: SEEN, index, timestamp: 1_000 + index });

/** A device that runs a model, and a log that takes a record when the test says so. */
function runner(hello: Partial<typeof HELLO> = {}) {
  const { session, ...seen } = fakeSession(hello);
  const pending: { record: Record; kept: () => void; fails: (error: Error) => void }[] = [];
  const noted: string[] = [];
  const store = (one: Record) =>
    new Promise<void>((resolve, reject) => pending.push({ record: one, kept: resolve, fails: reject }));
  const records = new Records(session, {
    store: { store },
    events: { ...seen.events, note: ({ identity, data }) => noted.push(`${identity} ${data}`) },
    onRefused: () => noted.push("refused"),
    logger: { warn: () => undefined },
    now: () => 1_000,
  });
  const ask = (value: object) =>
    records.asked({ case: "requestRecords", value: create(remote.RequestRecordsSchema, value) });
  return { ...seen, records, pending, noted, ask };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a record", () => {
  it("is acknowledged once it is kept, one after another", async () => {
    const { records, pending, sent } = runner();
    records.received(record(1));
    records.received({ impulseRecordsResponse: true, record: SEEN, index: 2, timestamp: 5 });
    await settled();
    expect([pending.map(({ record: { index } }) => index), sent]).toEqual([[1], []]);
    pending[0]?.kept();
    await settled();
    expect([pending.length, sent]).toEqual([2, [{ impulseRecordAck: true, index: 1 }]]);
    pending[1]?.kept();
    await settled();
    expect(sent.at(-1)).toEqual({ impulseRecordAck: true, index: 2 });
  });

  it("that cannot be kept is not acknowledged, and the next one has its turn", async () => {
    const { records, pending, sent, noted } = runner();
    for (const index of [1, 2, 3]) records.received(record(index));
    await settled();
    pending[0]?.fails(new LogUnavailable("away", 1));
    await settled();
    pending[1]?.fails(new SignalTooLarge(2, 1));
    await settled();
    pending[2]?.fails(new Error("unforeseen"));
    await settled();
    expect(sent).toEqual([
      { impulseRecordAck: false, index: 1, error: "the record cannot be kept now" },
      { impulseRecordAck: false, index: 2, error: "the record is too large" },
      { impulseRecordAck: false, index: 3, error: "the record could not be kept" },
    ]);
    expect(noted).toEqual(["refused", "refused", "refused"]);
  });

  it("waits on the device's side when too many do on ours", async () => {
    const { records, pending, paused } = runner();
    for (let index = 0; index < limits.inferenceWaiting; index++) records.received(record(index));
    expect(paused()).toBe(1);
    for (let n = 0; n < limits.inferenceWaiting / 2; n++) {
      await settled();
      pending[n]?.kept();
    }
    await settled();
    expect(paused()).toBe(0);
  });

  it("with much raw data counts for its size", () => {
    const { records, paused } = runner();
    const bufferBase64 = "A".repeat(limits.inferenceWaitingBytes / 4);
    for (let index = 0; index < 4; index++) {
      records.received({ ...record(index), rawData: { type: "wav", bufferBase64 } });
    }
    expect(paused()).toBe(1);
  });

  it("that is not there is an event, and acknowledged in its turn", async () => {
    const { records, pending, sent, told } = runner();
    records.received(record(1));
    records.received({ impulseRecordsResponse: false, index: 9, error: "Record not found" });
    records.received({ impulseRecordsResponse: false, error: "Model monitor not initialized" });
    await settled();
    pending[0]?.kept();
    await settled();
    expect(sent.slice(1)).toEqual([{ impulseRecordAck: true, index: 9 }, { impulseRecordAck: true }]);
    expect(told).toEqual([
      "InferenceRecordFailed 9 Record not found",
      "InferenceRecordFailed Model monitor not initialized",
    ]);
  });

  it("is asked for by its number, by a range, by a list", () => {
    const { ask, sent } = runner();
    ask({ index: 7n });
    ask({ first: 1n, last: 3n });
    ask({ list: [1n, 9n] });
    expect(sent.map(({ impulseRecordRequest }) => impulseRecordRequest)).toEqual([
      { index: 7 },
      { range: { first: 1, last: 3 } },
      { list: [1, 9] },
    ]);
    expect(() => runner({ mode: "ingestion" }).ask({ index: 1n })).toThrow("runs no model");
  });
});

describe("a summary", () => {
  it("is one and the same when it is sent again", () => {
    const { records, noted } = runner();
    const summary = { start: { index: 1 }, mean: [{ label: "cat", value: 1 }] };
    records.received({ inferenceSummary: summary });
    records.received({ inferenceSummary: summary });
    expect(noted[0]).toMatch(/^inference-summary\/[0-9a-f]{32} \{"start"/);
    expect(noted[1]).toBe(noted[0]);
  });

  it("that is none, or too long, is refused", () => {
    const { records, refused, noted } = runner();
    for (const inferenceSummary of [null, [], 7, { mean: "x".repeat(200_000) }]) {
      records.received({ inferenceSummary });
    }
    expect([refused.length, noted]).toEqual([4, []]);
  });
});
