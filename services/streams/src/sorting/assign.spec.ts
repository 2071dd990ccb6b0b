import { describe, expect, it } from "vitest";
import { assign, type Cursor, type Incoming, NEW_CURSOR } from "./assign.js";
import { type Defined, Definitions } from "./definitions.js";
import { faultOf, fill } from "./pattern.js";

const AT = Date.UTC(2026, 1, 3, 14, 5, 6, 78);
const stream = { group: "g", stream: "s", concatenation: "none", batchPattern: "", messagePattern: "" };

describe("a pattern", () => {
  it.each([
    ["{dateTime:yyyy-MM-dd-hh-mm}", "2026-02-03-02-05"],
    ["{dateTime:yyyy-MM-dd}_{sequenceId}", "2026-02-03_7"],
    ["a{sequenceId}b{sequenceId}", "a7b7"],
    ["{dateTime:yy M d H:m:s.fff}", "26 2 3 14:5:6.078"],
    ["{dateTime:ffffff}", "078000"],
    ["plain", "plain"],
  ])("%s is filled in, in UTC", (pattern, text) => {
    expect(faultOf(pattern)).toBeUndefined();
    expect(fill(pattern, { at: AT, sequence: 7 })).toBe(text);
  });

  it.each(["{sequence}", "{dateTime:yyyy", "}", "a/b", "a\n"])("%j is none", (pattern) => {
    expect(faultOf(pattern)).toBeDefined();
  });
});

describe("definitions", () => {
  const group = (sequence: number, name: string, more: object = {}): Defined => ({
    ...{ sequence, at: sequence * 10, group: name, stream: "" },
    set: { defaultStream: "", defaultGroup: false, ...more },
  });
  const one = (sequence: number, name: string, set: object | undefined = {}): Defined => ({
    ...{ sequence, at: sequence * 10, group: "g", stream: name },
    set: set && { concatenation: "none", batchPattern: "", messagePattern: "", ...set },
  });

  it("are those that were in force when something came", () => {
    const found = new Definitions([
      group(1, "g"),
      one(2, "s"),
      one(4, "s", { concatenation: "lines" }),
      one(6, "s", undefined),
    ]);
    expect(found.find(19, "g", "s")).toBeUndefined();
    expect(found.find(20, "g", "s")).toEqual(stream);
    expect(found.find(59, "g", "s")?.concatenation).toBe("lines");
    expect(
      new Definitions([group(1, "g"), one(2, "s"), { ...one(6, "s"), set: undefined }]).find(60, "g", "s"),
    ).toBeUndefined();
  });

  it("have defaults: the group that was made so last or is the only one, and its stream", () => {
    const alone = [group(1, "g", { defaultStream: "s" }), one(2, "s")];
    expect(new Definitions(alone).find(99, "", "")).toMatchObject({ group: "g", stream: "s" });
    expect(new Definitions([...alone, group(3, "h")]).find(99, "", "")).toBeUndefined();
    const chosen = [...alone, group(3, "h"), group(4, "g", { defaultStream: "s", defaultGroup: true })];
    expect(new Definitions(chosen).find(99, "", "")).toMatchObject({ group: "g", stream: "s" });
    expect(new Definitions([group(1, "g"), one(2, "s")]).find(99, "", "")).toBeUndefined();
  });
});

describe("sorting", () => {
  const there = new Set<string>();
  function sorted(definition: object, ...many: Partial<Incoming>[]) {
    there.clear();
    let cursor: Cursor = NEW_CURSOR;
    return many.map((fields, index) => {
      const incoming: Incoming = {
        ...{ position: index + 1, receivedAt: AT, batch: "", slice: "", message: "", chunk: "" },
        ...{ completesBatch: false, completesMessage: false, noPayload: false, ...fields },
      };
      const outcome = assign(
        cursor,
        incoming,
        { ...stream, ...definition },
        {
          hasBatch: (id) => there.has(id),
          hasMessage: (batch, id) => there.has(`${batch}/${id}`),
        },
      );
      cursor = outcome.cursor;
      const { assigned, completed } = outcome;
      if (assigned.kind === "message") {
        there.add(assigned.batch.id).add(`${assigned.batch.id}/${assigned.message}`);
      }
      const what =
        assigned.kind === "message"
          ? `${assigned.batch.id}/${assigned.message}`
          : assigned.kind === "dead"
            ? assigned.reason
            : "-";
      return completed.length === 0 ? what : `${what} ends ${completed.map(({ id }) => id).join(" ")}`;
    });
  }

  it("another batch id completes the batch before it, and nothing goes into that any more", () => {
    const parts = [
      { batch: "a", message: "1" },
      { batch: "a", message: "2" },
      { batch: "b", message: "1" },
      { batch: "a", message: "3" },
    ];
    expect(sorted({}, ...parts)).toEqual(["a/1", "a/2", "b/1 ends a", "batch-complete"]);
  });

  it("word completes a batch once; of one that is not open it is nothing", () => {
    const word = { noPayload: true, completesBatch: true };
    expect(
      sorted(
        {},
        { ...word, batch: "a" },
        { batch: "a", message: "1" },
        { ...word, batch: "x" },
        { ...word, batch: "a" },
        { ...word, batch: "a" },
      ),
    ).toEqual([...["-", "a/1", "-", "- ends a", "-"]]);
    expect(sorted({}, { batch: "a", message: "1", completesBatch: true })).toEqual(["a/1 ends a"]);
  });

  it("word completes a message of the open batch", () => {
    const word = { noPayload: true, completesMessage: true };
    expect(
      sorted(
        {},
        { batch: "a", message: "1", chunk: "0" },
        { ...word, batch: "a", message: "1" },
        { ...word, batch: "a" },
      ),
    ).toEqual([...["a/1", "a/1", "no-message"]]);
  });

  it("what has no id, and gets none, goes nowhere", () => {
    expect(sorted({}, { message: "1" }, { batch: "a" })).toEqual(["no-batch", "no-message"]);
    expect(sorted({}, { batch: "x".repeat(201), message: "1" })).toEqual(["too-long"]);
  });

  it("ids are filled in: messages count from one in each batch, batches never again", () => {
    const both = { batchPattern: "{dateTime:HH}_{sequenceId}", messagePattern: "{sequenceId}" };
    const later = { receivedAt: AT + 3_600_000 };
    const ended = { noPayload: true, completesBatch: true };
    expect(sorted(both, {}, {}, later, later, ended, later)).toEqual([
      ...["14_1/1", "14_1/2", "15_2/1 ends 14_1", "15_2/2", "- ends 15_2", "15_3/1"],
    ]);
    expect(sorted({ messagePattern: "{dateTime:yyyy}" }, { batch: "a" }, { batch: "a" })).toEqual([
      "a/2026_1",
      "a/2026_2",
    ]);
  });

  it("an id that a device took itself is not filled in again: a number is put behind it", () => {
    const dated = { batchPattern: "{dateTime:yyyy}", messagePattern: "{sequenceId}" };
    const ended = { noPayload: true, completesBatch: true };
    const last = { batch: "2026_2", message: "1", completesBatch: true };
    expect(sorted(dated, {}, ended, {}, {}, ended, {})).toEqual([
      ...["2026/1", "- ends 2026", "2026_2/1", "2026_2/2", "- ends 2026_2", "2026_3/1"],
    ]);
    expect(sorted(dated, last, {}, ended, {}, {})).toEqual([
      ...["2026_2/1 ends 2026_2", "2026/1", "- ends 2026", "batch-complete", "2026_3/1"],
    ]);
    const own = [{ message: "1" }, {}, { message: "3" }, { message: "3_3" }, {}, {}];
    expect(sorted(dated, ...own)).toEqual([
      ...["2026/1", "2026/1_1", "2026/3", "2026/3_3", "2026/2", "no-message"],
    ]);
    expect(sorted(dated, ...own, {}).at(-1)).toBe("2026/4");
  });
});
