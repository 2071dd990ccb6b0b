import { create, toBinary } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { Samplings, type SamplingsParts } from "./samplings.js";
import { fakeSession } from "./session.fixture.js";

const KEY = "fed53116f20684c067774ebf9e7bcbdc";
const asked = { label: "wave", lengthMs: 10, intervalMs: 1, category: "testing" };

/** A device that is there, and all that the sampling service is told. */
function device(faults: { report?: Error[]; key?: Error; peeks?: boolean } = {}) {
  const told: string[] = [];
  const clock = { now: 1_000_000 };
  const keys = [{ key: KEY, expiresAt: undefined }];
  const parts = {
    sampling: {
      connected: async ({ connection }: { connection: string }) => told.push(`connected ${connection}`),
      disconnected: async ({ connection }: { connection: string }) => told.push(`disconnected ${connection}`),
      reportStep: async ({ step, percent, error }: { step: string; percent?: number; error: string }) => {
        const fault = faults.report?.shift();
        if (fault) throw fault;
        told.push([step, percent, error].filter(Boolean).join(" "));
      },
    },
    known: {
      hmacKeys: {
        peek: () => (faults.peeks === false ? undefined : keys),
        get: async () => {
          if (faults.key) throw faults.key;
          return keys;
        },
      },
    },
    logger: { warn: (_: unknown, message: string) => told.push(message) },
    now: () => clock.now,
  } as unknown as SamplingsParts;
  const samplings = new Samplings(parts);
  const frames: string[] = [];
  const session = {
    ...fakeSession().session,
    sendEncoded: (frame: unknown) => void frames.push(String(frame)),
  };
  const feature = samplings.feature(session);
  const decide = ({
    connection,
    agoMs = 0,
    id = "d",
  }: {
    connection: string;
    agoMs?: number;
    id?: string;
  }) => {
    const decision = create(registry.DecisionSchema, {
      events: [{ event: { case: "samplingSent", value: { asked, connection } } }],
      decidedAt: BigInt(clock.now - agoMs),
    });
    const data = toBinary(registry.DecisionSchema, decision);
    samplings.decided({ namespace: "n", kind: "sampling", id }, { data });
  };
  return { told, frames, feature, samplings, session, decide, clock };
}

describe("a sampling whose turn it is", () => {
  it("is sent once, to the connection that it is for, while it is young", () => {
    const { frames, decide } = device();
    decide({ connection: "other" });
    decide({ connection: "c", agoMs: 16_000 });
    decide({ connection: "c", id: "another" });
    expect(frames).toEqual([]);
    decide({ connection: "c" });
    const sample = { label: "wave", length: 10, path: "/api/testing/data", hmacKey: KEY, interval: 1 };
    expect(frames.map((frame) => JSON.parse(frame))).toEqual([{ sample }]);
  });

  it("is sent when the key is there, and refused when it cannot be had", async () => {
    const late = device({ peeks: false });
    late.decide({ connection: "c" });
    await until("it is sent", () => late.frames.length === 1);
    const never = device({ peeks: false, key: new RpcError("unavailable", "auth is away") });
    never.decide({ connection: "c" });
    await until("it is refused", () => never.told.some((told) => told.startsWith("refused")));
    expect(never.frames).toEqual([]);
  });

  it("is not sent to a device that has gone, or to its older connection", async () => {
    const { frames, decide, feature, samplings, session, told } = device();
    const newer = samplings.feature({ ...session, connection: "c2" });
    decide({ connection: "c" });
    feature.closed?.();
    decide({ connection: "c2" });
    expect(frames).toHaveLength(1);
    newer.closed?.();
    decide({ connection: "c2" });
    await samplings.idle();
    expect(frames).toHaveLength(1);
    expect(told.toSorted()).toEqual(["connected c", "connected c2", "disconnected c", "disconnected c2"]);
  });
});

describe("what a device tells of it", () => {
  it("goes on in its order, what it repeats once, and percentages twice a second", async () => {
    const { told, feature, clock, decide, samplings } = device();
    for (const message of [{ sampleStarted: true }, { sampleStarted: true }, { sample: true }]) {
      feature.received(message);
    }
    for (let percent = 0; percent <= 100; percent++) {
      feature.received({ sampleReading: true, progressPercentage: percent });
      clock.now += 20;
    }
    feature.received({ sampleFinished: true });
    decide({ connection: "c" });
    feature.received({ sampleFinished: true });
    feature.received({ sampleFinished: "x" });
    feature.closed?.();
    await samplings.idle();
    expect(told).toEqual([
      ...["connected c", "started", "accepted", "reading", "reading 25", "reading 50", "reading 75"],
      ...["reading 100", "finished", "finished", "disconnected c"],
    ]);
  });

  it("is told again where the service does not answer, and what came later after it", async () => {
    const away = () => new RpcError("unavailable", "it starts");
    const { told, feature, samplings } = device({ report: [away(), new RpcError("internal", "a fault")] });
    feature.received({ sampleStarted: true });
    feature.received({ sampleUploading: true });
    feature.closed?.();
    await samplings.idle();
    expect(told).toEqual([
      "connected c",
      "the sampling service was not told what a device did",
      "uploading",
      "disconnected c",
    ]);
  });
});
