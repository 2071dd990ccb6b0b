import { create } from "@bufbuild/protobuf";
import { limits, sampling } from "@fieldlog/contracts";
import type { SampleStore } from "@fieldlog/samples";
import { describe, expect, it } from "vitest";
import type { ToldEvent } from "../device-events.js";
import { fakeSession } from "../session.fixture.js";
import { type Record, readRecord } from "./record.js";
import { StoreRecord } from "./store-record.js";

const NOW = Date.UTC(2026, 1, 1);
const record = (index: number, timestamp: number, base64 = "AQI="): Record =>
  readRecord({
    ...{ impulseRecord: { result: { anomaly: 1 } }, index, timestamp },
    rawData: { type: "wav", bufferBase64: base64 },
  });

type Upload = Awaited<ReturnType<SampleStore["begin"]>>;

/** Where records go, with samples of the bytes that it has stored. */
function storing(fails = false) {
  const { session } = fakeSession({ inferenceInfo: '{"deploymentVersion":3}' });
  const events: ToldEvent[] = [];
  const stored: string[] = [];
  let discarded = 0;
  const upload: Pick<Upload, "put" | "storeSample" | "discard"> = {
    async put(content) {
      if (fails) throw new Error("full");
      for await (const chunk of content) stored.push(String(chunk.length));
      return { bytes: 0 };
    },
    async storeSample({ fileName = "" }, { mediaType }) {
      stored.push(`${fileName} ${mediaType}`);
      return create(sampling.StoreSampleResponseSchema, { sample: { id: "s", number: 9n } });
    },
    async discard() {
      discarded++;
    },
  };
  const known = () => (stored.length === 0 ? [] : [{ id: "s", number: 9n }]);
  const store = new StoreRecord(
    {
      samples: { begin: async () => upload as Upload },
      sampling: { listSamples: async () => create(sampling.ListSamplesResponseSchema, { samples: known() }) },
      events: { append: async (event) => events.push(event) },
      now: () => NOW,
    },
    session,
  );
  const data = () => events.map((event) => JSON.parse(event.data.toString()));
  return { store, events, stored, data, discarded: () => discarded };
}

describe("a record that is kept", () => {
  it("is an event, told apart by its number and its time", async () => {
    const { store, events, data } = storing();
    await store.store(record(1, NOW - 5));
    expect(events).toMatchObject([
      { name: "InferenceRecord", identity: `inference/1/${NOW - 5}`, occurredAt: NOW - 5 },
    ]);
    expect(data()).toEqual([
      {
        ...{ index: 1, timestamp: NOW - 5, deploymentVersion: 3, result: { anomaly: 1 } },
        rawData: { type: "wav", bufferBase64: "AQI=" },
      },
    ]);
  });

  it.each([0, 12.5, -1, NOW + 10 * 86_400_000])("happened now where its clock says %d", async (timestamp) => {
    const { store, events } = storing();
    await store.store(record(1, timestamp));
    expect(events[0]?.occurredAt).toBe(NOW);
  });

  it("cannot say of itself which number, time or model it has", async () => {
    const { store, data } = storing();
    const forged = { index: 99, timestamp: 99, deploymentVersion: 99, rawData: "forged" };
    await store.store(readRecord({ impulseRecord: { result: {}, ...forged }, index: 1, timestamp: 2 }));
    expect(data()).toEqual([{ index: 1, timestamp: 2, deploymentVersion: 3, result: {} }]);
  });

  it("with large raw data has a sample of it, stored once", async () => {
    const { store, stored, data } = storing();
    const large = Buffer.alloc(limits.inferenceRawData).toString("base64");
    for (let i = 0; i < 2; i++) await store.store(record(4, 2, large));
    expect(stored).toEqual([String(limits.inferenceRawData), "inference-4.wav audio/wav"]);
    const rawData = { type: "wav", bytes: limits.inferenceRawData, sample: "s", sampleNumber: 9 };
    expect(data()).toMatchObject([{ rawData }, { rawData }]);
  });

  it("is not told of where its raw data cannot be stored, and nothing is left of them", async () => {
    const { store, events, discarded } = storing(true);
    const large = Buffer.alloc(limits.inferenceRawData).toString("base64");
    await expect(store.store(record(4, 2, large))).rejects.toThrow("full");
    expect([events, discarded()]).toEqual([[], 1]);
  });
});
