import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type Outcome } from "@fieldlog/decider";
import { describe, expect, it } from "vitest";
import {
  type FleetTemplateState,
  fleetTemplate,
  noteSteps,
  removeTemplate,
  type Step,
  setTemplate,
  stopTemplate,
  type Wanted,
} from "./fleet-template.js";
import { UnknownFleetTemplate } from "./refusals.js";

const wanted: Wanted = {
  ...{ tagsJson: '{"site":"roof"}', desiredJson: '{"rate":60}' },
  ...{ stopAfterFailures: 2, takeWithinS: 60 },
};
const step = (device: string, state: Step["state"] = "applied"): Step => ({
  device,
  state,
  version: 2,
  error: "",
});

/** Decides, and folds what was decided. */
function history() {
  let snapshot = { state: fleetTemplate.initial, sequence: 0 };
  const decide = <R>(decision: (state: FleetTemplateState) => Outcome<R>) => {
    const { events, result } = decision(snapshot.state);
    const made = create(registry.DecisionSchema, { events: [...events], decidedAt: 5n, decidedBy: "x" });
    if (events.length > 0) snapshot = fold(fleetTemplate, snapshot, snapshot.sequence + 1, made);
    return { events: made.events.map(({ event }) => event.case), result };
  };
  return { decide, state: () => snapshot.state };
}

describe("a fleet template", () => {
  it("counts its revisions up; the same again is none", () => {
    const { decide, state } = history();
    expect(decide(setTemplate(wanted)).result).toBe(1);
    expect(decide(setTemplate(wanted))).toEqual({ events: [], result: 1 });
    expect(decide(setTemplate({ ...wanted, takeWithinS: 61 })).result).toBe(2);
    const reportedJson = '[{"field":"a","op":"=","value":1}]';
    expect(decide(setTemplate({ ...wanted, reportedJson })).result).toBe(3);
    expect(decide(setTemplate({ ...wanted, reportedJson })).events).toEqual([]);
    expect(state()).toMatchObject({ wanted: { reportedJson } });
    expect(decide(setTemplate({ ...wanted, takeWithinS: 61 })).result).toBe(4);
    expect(state()).toMatchObject({ phase: "going", revision: 4, wanted: { takeWithinS: 61 }, setAt: 5 });
  });

  it("is stopped until somebody sets it again, as it was or otherwise", () => {
    const { decide, state } = history();
    decide(setTemplate(wanted));
    decide(stopTemplate("enough"));
    expect(state()).toMatchObject({ phase: "stopped", stoppedReason: "enough" });
    expect(decide(stopTemplate("again")).events).toEqual([]);
    expect(decide(setTemplate(wanted)).result).toBe(2);
    expect(state()).toMatchObject({ phase: "going", stoppedReason: "" });
  });

  it("that is removed is unknown, and never has a revision again that it had", () => {
    const { decide } = history();
    expect(() => decide(removeTemplate)).toThrow(UnknownFleetTemplate);
    decide(setTemplate(wanted));
    decide(removeTemplate);
    expect(decide(removeTemplate).events).toEqual([]);
    expect(() => decide(stopTemplate(""))).toThrow(UnknownFleetTemplate);
    expect(decide(setTemplate(wanted)).result).toBe(2);
  });
});

describe("what became of it at devices", () => {
  it("is noted once, by whoever has seen all that was noted before", () => {
    const { decide } = history();
    decide(setTemplate(wanted));
    const seen = { revision: 1, noted: 0 };
    expect(decide(noteSteps([step("a"), step("b")], seen, 0)).result).toBe(true);
    expect(decide(noteSteps([step("a"), step("b")], seen, 0))).toEqual({ events: [], result: false });
    expect(decide(noteSteps([step("c")], { revision: 1, noted: 2 }, 0)).result).toBe(true);
  });

  it("is not noted of a revision that is no more, nor of a removed one", () => {
    const { decide } = history();
    decide(setTemplate(wanted));
    decide(setTemplate({ ...wanted, takeWithinS: 61 }));
    expect(decide(noteSteps([step("a")], { revision: 1, noted: 0 }, 0)).result).toBe(false);
    decide(removeTemplate);
    expect(decide(noteSteps([step("a")], { revision: 2, noted: 0 }, 0)).result).toBe(false);
  });

  it("stops it at as many failures as may be, in the same decision; what comes later is noted all the same", () => {
    const { decide, state } = history();
    decide(setTemplate(wanted));
    decide(noteSteps([step("a", "failed")], { revision: 1, noted: 0 }, 1));
    expect(state()).toMatchObject({ phase: "going" });
    const last = decide(noteSteps([step("b", "failed")], { revision: 1, noted: 1 }, 2));
    expect(last.events).toEqual(["fleetTemplateApplied", "fleetTemplateStopped"]);
    expect(state()).toMatchObject({ phase: "stopped", stoppedReason: expect.stringContaining("2 devices") });
    const later = decide(noteSteps([step("a", "acknowledged")], { revision: 1, noted: 2 }, 1));
    expect(later).toEqual({ events: ["fleetTemplateApplied"], result: true });
    expect(state()).toMatchObject({ phase: "stopped" });
  });

  it("never stops one that says nothing of failures", () => {
    const { decide, state } = history();
    decide(setTemplate({ ...wanted, stopAfterFailures: undefined }));
    decide(noteSteps([step("a", "failed")], { revision: 1, noted: 0 }, 1_000));
    expect(state()).toMatchObject({ phase: "going" });
  });
});
