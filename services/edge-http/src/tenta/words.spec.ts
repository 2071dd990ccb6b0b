import { create } from "@bufbuild/protobuf";
import { projections, signals } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { configurationText, logJson, measurementJson, valueCounts } from "./words.js";

describe("tenta's words", () => {
  it("tell an entry of a log to both generations", () => {
    const entry = { occurredAt: 1.5, severity: "error", revision: 3 };
    const log = (more: object) => logJson(create(signals.LogEntrySchema, { ...entry, ...more }));
    const common = { severity: "error", revision: 3, creation_timestamp: 1.5 };
    expect(log({ message: "pump", details: "stuck", divided: true })).toEqual({
      ...{ message: "pump: stuck", subject: "pump", details: "stuck" },
      ...common,
    });
    expect(log({ message: "pump", divided: true })).toMatchObject({
      message: "pump",
      subject: "pump",
      details: null,
    });
    expect(log({ message: "pump stuck" })).toEqual({
      ...{ message: "pump stuck", subject: "pump stuck", details: null },
      ...common,
    });
  });

  it("pass on a configuration as it was written, and spell its times in both ways", () => {
    const configuration = create(projections.StoredConfigurationSchema, {
      ...{ revision: 2, valueJson: '{"id":12345678901234567890}', createdAt: 1500n, acknowledgedAt: 2.25 },
    });
    const text = configurationText(configuration);
    expect(text).toContain('"value":{"id":12345678901234567890}');
    expect(JSON.parse(text)).toMatchObject({
      ...{ revision: 2, creation_timestamp: 1.5, publication_timestamp: null, receipt_timestamp: null },
      ...{ acknowledgement_timestamp: 2.25, acknowledgment_timestamp: 2.25, success: null },
    });
  });

  it("keep a measurement's attributes and a missing revision apart from revision 0", () => {
    const measurement = { occurredAt: -1, attributes: ["a", "b"], values: [1, 2.5] };
    const json = (more: object) =>
      measurementJson(create(signals.MeasurementSchema, { ...measurement, ...more }));
    expect(json({})).toEqual({ value: { a: 1, b: 2.5 }, revision: null, creation_timestamp: -1 });
    expect(json({ revision: 0 })).toMatchObject({ revision: 0 });
  });

  it("count the values of every sensor, also of one that has none", () => {
    const sensors = ["a", "b"].map((id) =>
      create(projections.NamedDeviceSchema, { id, name: `sensor-${id}` }),
    );
    const counts = [14_400_000n, 28_800_000n].map((begin) =>
      create(projections.ValueCountSchema, { device: "a", begin, count: 3n }),
    );
    expect(valueCounts(sensors, counts)).toEqual([
      {
        ...{ sensor_identifier: "a", sensor_name: "sensor-a" },
        ...{ bucket_timestamps: [14_400, 28_800], measurement_counts: [3, 3] },
      },
      { sensor_identifier: "b", sensor_name: "sensor-b", bucket_timestamps: [], measurement_counts: [] },
    ]);
  });
});
