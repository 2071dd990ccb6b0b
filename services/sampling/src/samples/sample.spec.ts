import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { type Decider, fold, type Outcome, type Snapshot } from "@fieldlog/decider";
import { describe, expect, it } from "vitest";
import { model, removeModel, storeModel } from "../models/model.js";
import { patternOf } from "./filter.js";
import { change, eventOf, remove, type SampleState, sample, store } from "./sample.js";
import { release, reserve, type SampleContent, sampleContent } from "./sample-content.js";

const stored = create(registry.SampleStoredSchema, {
  ...{ category: "training", label: "wave", fileName: "wave.1", device: "d1", enabled: true, values: 3n },
  ...{ intervalMs: 10, axes: [{ name: "accX", units: "m/s2" }], metadata: { site: "cellar" } },
  stored: { bytes: 5n, sha256: Buffer.alloc(32, 1), objects: ["a"], objectBytes: [5n], mediaType: "x/y" },
  attachments: [{ name: "a", mediaType: "x/y", bytes: 5n }],
});
const changing = (fields: object) => create(registry.SampleChangedSchema, fields);

/** What the state becomes by what is decided. */
function after<State, Result>(
  decider: Decider<State>,
  { state, sequence }: Snapshot<State>,
  outcome: Outcome<Result>,
): Snapshot<State> {
  const events = [...outcome.events];
  const decision = create(registry.DecisionSchema, { events, decidedAt: BigInt(sequence + 1) });
  return fold(decider, { state, sequence }, sequence + 1, decision);
}

const none = { state: sample.initial, sequence: 0 };
const made = () => after(sample, none, store(stored)(none.state));

describe("a sample", () => {
  it("is what its event told of it, and tells the same event again", () => {
    const { state } = made();
    expect(state).toMatchObject({ phase: "stored", number: 1, storedAt: 1 });
    if (state.phase === "none") throw new Error("it is there");
    expect(create(registry.SampleStoredSchema, eventOf(state.sample))).toEqual(stored);
    expect(store(stored)(state).events).toEqual([]);
  });

  it("is changed in what is said, once", () => {
    const asked = changing({ label: "", metadata: { by: "hand" }, unsetMetadata: ["site"] });
    const changed = after(sample, made(), change(asked)(made().state));
    expect(changed.state).toMatchObject({
      sample: { label: "", metadata: { by: "hand" }, category: "training" },
    });
    expect(change(asked)(changed.state).events).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, ""]));
    expect(() => change(changing({ metadata: many }))(changed.state)).toThrow("64");
    expect(() => change(asked)(none.state)).toThrow("no such sample");
  });

  it("is removed once, and stays so", () => {
    const gone: Snapshot<SampleState> = after(sample, made(), remove(made().state));
    expect(gone.state).toMatchObject({ phase: "removed" });
    expect(remove(gone.state).events).toEqual([]);
    expect(() => change(changing({}))(gone.state)).toThrow("no such sample");
    expect(() => remove(none.state)).toThrow("no such sample");
  });
});

describe("a content", () => {
  const free: Snapshot<SampleContent> = { state: sampleContent.initial, sequence: 0 };
  const stays = async () => false;

  it("is one sample's, until that is gone or gives it up", async () => {
    const held = after(sampleContent, free, await reserve("a", stays)(free.state));
    expect(held.state).toEqual({ sample: "a", reservedAt: 1 });
    expect(await reserve("a", stays)(held.state)).toEqual({ events: [], result: "a" });
    expect(await reserve("b", stays)(held.state)).toEqual({ events: [], result: "a" });
    const taken = after(sampleContent, held, await reserve("b", async () => true)(held.state));
    expect(taken.state.sample).toBe("b");
    expect(release("a")(taken.state).events).toEqual([]);
    expect(after(sampleContent, taken, release("b")(taken.state)).state).toEqual({});
  });
});

describe("a model", () => {
  it("is stored and removed once", () => {
    const event = { version: 3, name: "m", mediaType: "x/y", stored: stored.stored as registry.UploadStored };
    const there = after(model, { state: model.initial, sequence: 0 }, storeModel(event)(model.initial));
    expect(there.state).toMatchObject({ phase: "stored", version: 3, storedAt: 1, content: { bytes: 5 } });
    expect(storeModel(event)(there.state).events).toEqual([]);
    const gone = after(model, there, removeModel(there.state));
    expect([gone.state.phase, removeModel(gone.state).events]).toEqual(["removed", []]);
    expect(() => removeModel(model.initial)).toThrow("no such model");
  });
});

describe("a pattern of names", () => {
  it("has no other wildcards than its own", () => {
    expect(patternOf("wave.*_1%\\")).toBe("wave.%\\_1\\%\\\\");
  });
});
