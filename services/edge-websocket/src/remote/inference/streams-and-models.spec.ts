import { create } from "@bufbuild/protobuf";
import { limits, remote } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import type { Hello } from "../hello.js";
import { fakeSession } from "../session.fixture.js";
import { InferenceStream } from "./inference-stream.js";
import { ModelUpdates } from "./model-updates.js";

const START = { startInferenceStream: true };
const STOP = { stopInferenceStream: true };

function runner(hello: Partial<Hello> = {}) {
  const { session, ...seen } = fakeSession(hello);
  const clock = { ms: 1_000 };
  const parts = { events: seen.events, now: () => clock.ms };
  const stream = new InferenceStream(session, parts);
  const models = new ModelUpdates(session, parts);
  const want = (value: object) =>
    stream.asked({ case: "wantInference", value: create(remote.WantInferenceSchema, value) });
  const stop = (viewer = "") =>
    stream.asked({ case: "stopInference", value: create(remote.StopInferenceSchema, { viewer }) });
  const update = (version: number) =>
    models.asked({ case: "updateModel", value: create(remote.UpdateModelSchema, { version }) });
  const later = (ms: number) => {
    clock.ms += ms;
    stream.tick(clock.ms);
    models.tick(clock.ms);
  };
  return { ...seen, stream, models, want, stop, update, later };
}

describe("what a model sees", () => {
  it("is told until somebody ends that, where it is wished for lastingly", () => {
    const { want, stop, later, sent, stream, told } = runner();
    expect(want({ lasting: true })).toEqual({ status: { inferenceStreaming: false } });
    stream.received({ inferenceStreamStarted: true });
    later(10 * limits.remoteWishEndsMs);
    expect([sent, stream.status()]).toEqual([[START], { inferenceStreaming: true }]);
    stop();
    stream.received({ inferenceStreamStopped: true });
    expect([sent, told]).toEqual([
      [START, STOP],
      ["InferenceStreamStarted", "InferenceStreamStopped"],
    ]);
  });

  it("is told as long as somebody looks otherwise", () => {
    const { want, stop, later, sent, stream } = runner();
    want({ viewer: "a" });
    stream.received({ inferenceStreamStarted: true });
    later(limits.remoteWishEndsMs);
    expect(sent).toEqual([START, STOP]);
    stream.received({ inferenceStreamStopped: true });
    want({ viewer: "b" });
    stream.received({ inferenceStreamStarted: true });
    stop("b");
    expect(sent).toEqual([START, STOP, START, STOP]);
  });

  it("is told on by one that came again, and is ended whenever somebody says so", () => {
    const { stop, sent } = runner();
    stop();
    expect(sent).toEqual([STOP]);
  });

  it("is told again where a record was not kept, and not at once", () => {
    const { want, later, sent, stream, told } = runner();
    want({ lasting: true });
    stream.received({ inferenceStreamStarted: true });
    stream.interrupted();
    later(limits.remoteWishMs - 1);
    expect(sent).toEqual([START]);
    later(1);
    expect(sent).toEqual([START, START]);
    expect(told.at(-1)).toBe("InferenceStreamStopped a record was not kept");
  });

  it("cannot be told by some", () => {
    const { want, stream, told } = runner();
    want({ lasting: true });
    stream.received({ inferenceStreamStarted: false });
    stream.received({ inferenceStreamFailed: true, error: "no camera" });
    expect(told).toEqual([
      "InferenceStreamFailed the device cannot tell what its model sees",
      "InferenceStreamFailed no camera",
    ]);
    expect(() => runner({ mode: "ingestion" }).want({ lasting: true })).toThrow("runs no model");
  });
});

describe("a new model", () => {
  it("is offered by its version, or as the latest", () => {
    const { update, sent } = runner();
    update(4);
    update(0);
    expect(sent).toEqual([
      { newModelAvailable: true, deploymentVersion: 4 },
      { newModelAvailable: true, deploymentVersion: "latest" },
    ]);
  });

  it("is an event when the device has loaded it, or could not", () => {
    const { update, models, told, later } = runner();
    update(4);
    models.received({ modelUpdateSuccess: true, inferenceInfo: { deploymentVersion: 4 } });
    later(limits.modelUpdateMs);
    models.received({ modelUpdateSuccess: false, error: "no space" });
    models.closed();
    expect(told).toEqual(["ModelUpdated [object Object]", "ModelUpdateFailed no space"]);
    expect(models.status()).toEqual({ inferenceInfoJson: '{"deploymentVersion":4}' });
  });

  it("has failed where the device says nothing for long, or goes", () => {
    const silent = runner();
    silent.update(4);
    silent.later(limits.modelUpdateMs);
    silent.models.closed();
    const gone = runner();
    gone.update(4);
    gone.models.closed();
    expect([...silent.told, ...gone.told]).toEqual([
      "ModelUpdateFailed the device did not answer",
      "ModelUpdateFailed the connection ended before the device answered",
    ]);
  });

  it("of which the device says nonsense is refused", () => {
    const { models, refused, told } = runner();
    for (const inferenceInfo of [7, "x", { a: "x".repeat(5_000) }]) {
      models.received({ modelUpdateSuccess: true, inferenceInfo });
    }
    expect([refused.length, told]).toEqual([3, []]);
  });
});
