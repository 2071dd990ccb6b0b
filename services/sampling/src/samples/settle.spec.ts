import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AwaitingSampling } from "../samplings/rows.js";
import { samplingOf, settledCategory } from "./settle.js";

const sampling = (id: string, more: Partial<AwaitingSampling> = {}): AwaitingSampling => ({
  ...{ id, device: "d1", sensor: "", category: "training", label: "wave", state: "started", requestedAt: 1 },
  ...more,
});
const uploaded = { category: "training", label: "wave", devices: [] };

describe("what is to be split", () => {
  it("goes to training about four times of five, and what is not stays", () => {
    const sides = Array.from({ length: 2_000 }, (_, i) =>
      settledCategory("split", createHash("sha256").update(String(i)).digest("hex")),
    );
    const training = sides.filter((side) => side === "training").length;
    expect(training / sides.length).toBeCloseTo(0.8, 1);
    expect(new Set(sides)).toEqual(new Set(["training", "testing"]));
    expect(settledCategory("anomaly", "ff")).toBe("anomaly");
  });
});

describe("an upload", () => {
  it("belongs to its device's sampling of that category, whatever its label", () => {
    const awaiting = [sampling("a", { device: "d2" }), sampling("b", { label: "idle" })];
    expect(samplingOf({ ...uploaded, devices: ["d1"] }, awaiting)?.id).toBe("b");
    expect(samplingOf({ ...uploaded, devices: ["d3"] }, awaiting)).toBeUndefined();
    expect(samplingOf({ ...uploaded, devices: ["d1"], category: "testing" }, awaiting)).toBeUndefined();
  });

  it("that names no device belongs to one of its label, at first one that uploads", () => {
    const awaiting = [
      sampling("a"),
      sampling("b", { state: "uploading" }),
      sampling("c", { state: "finished" }),
    ];
    expect(samplingOf(uploaded, awaiting)?.id).toBe("b");
    expect(samplingOf(uploaded, awaiting.slice(0, 1))?.id).toBe("a");
    expect(samplingOf({ ...uploaded, label: "idle" }, awaiting)).toBeUndefined();
    expect(samplingOf({ ...uploaded, category: "split" }, awaiting)).toBeUndefined();
  });
});
