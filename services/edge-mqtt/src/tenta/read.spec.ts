import type { LogEntryDraft } from "@fieldlog/admission";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "./payload.js";
import { readTenta } from "./read.js";
import { tentaTopic } from "./topics.js";

type Kind = Parameters<typeof readTenta>[0];
const read = (kind: Kind, payload: unknown) =>
  readTenta(kind, Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)));
const reason = (kind: Kind, payload: unknown) => {
  const result = read(kind, payload);
  return result instanceof Malformed ? result.reason : undefined;
};
const value = (kind: Kind, payload: unknown) => {
  const result = read(kind, payload);
  if (result instanceof Malformed) throw new Error(result.reason);
  return result.body.value;
};
const TIME = 1_683_645_000;

describe("tenta's topics", () => {
  it.each([
    ["measurements/x", "measurements"],
    ["heartbeats/x", "acknowledgments"],
    ["acknowledgments/x", "acknowledgments"],
    ["logs/x", "log-entries"],
    ["log-messages/x", "log-entries"],
    ["configurations/x", "configurations"],
  ])("knows %s", (topic, kind) => {
    expect(tentaTopic(topic)).toEqual({ kind, device: "x" });
  });
  it.each(["measurements", "measurements/x/y", "other/x", "", "/measurements/x", "Measurements/x"])(
    "leaves %j to others",
    (topic) => {
      expect(tentaTopic(topic)).toBeUndefined();
    },
  );
});

describe("measurements of either generation", () => {
  const bare = { timestamp: TIME, value: { temperature: 21.5 } };

  it("are read from a bare list and from an object around it", () => {
    const expected = [{ occurredAt: TIME, revision: undefined, attributes: ["temperature"], values: [21.5] }];
    expect(read("measurements", [bare])).toEqual({
      body: { case: "measurements", value: expected },
      wrapped: false,
    });
    expect(read("measurements", { measurements: [bare] })).toMatchObject({ wrapped: true });
    expect(value("measurements", { measurements: [bare] })).toEqual(expected);
  });
  it("widen integers, take null as no revision, and keep the order of attributes", () => {
    const element = { revision: null, timestamp: TIME, value: { b: 1, a: 2 } };
    expect(value("measurements", [element])).toEqual([
      { occurredAt: TIME, revision: undefined, attributes: ["b", "a"], values: [1, 2] },
    ]);
  });
  it.each([0, 1, 2 ** 31 - 1])("take revision %d", (revision) => {
    expect(value("measurements", [{ ...bare, revision }])).toMatchObject([{ revision }]);
  });
  it.each([-1, 2 ** 31, 1.5, "1", true])("refuse revision %j", (revision) => {
    expect(reason("measurements", [{ ...bare, revision }])).toMatch(/revision is not/);
  });
  it.each(["0.0", "1e0", "1.0"])("refuse the revision %s, which is not written as an integer", (text) => {
    const payload = `[{"timestamp":1,"revision" : ${text},"value":{"a":1}}]`;
    expect(reason("measurements", payload)).toBe("revision is not an integer");
  });
  it("know a revision from a text that looks like one", () => {
    const message = '"revision": 1.0';
    expect(reason("log-entries", [{ severity: "info", timestamp: 1, message }])).toBeUndefined();
  });
  it("hold only older clients to times from 0 to 2^31", () => {
    for (const timestamp of [-1, 2 ** 31, 1e18]) {
      expect(reason("measurements", [{ ...bare, timestamp }])).toBeUndefined();
      expect(reason("measurements", { measurements: [{ ...bare, timestamp }] })).toMatch(/timestamp is not/);
    }
    expect(reason("measurements", { measurements: [{ ...bare, timestamp: 0 }] })).toBeUndefined();
  });
  it.each(["1", true, null, undefined])("refuse the time %j", (timestamp) => {
    expect(reason("measurements", [{ ...bare, timestamp }])).toMatch(/timestamp is not a number/);
  });
  it("refuse what is not finite, with a reason", () => {
    expect(reason("measurements", '[{"timestamp":1,"value":{"a":1e999}}]')).toBe(
      "element 0: a is not a finite number",
    );
    expect(reason("measurements", '[{"timestamp":1e999,"value":{"a":1}}]')).toMatch(/timestamp/);
    expect(reason("measurements", '[{"timestamp":1,"value":{"a":NaN}}]')).toBe("the payload is not JSON");
  });
  it.each([true, null, "1", { a: 1 }, [1]])("refuse the value %j", (one) => {
    expect(reason("measurements", [{ timestamp: 1, value: { a: one } }])).toBe(
      "element 0: a is not a number",
    );
  });
  it.each(["a", "a_b", "abc_def_g", "a".repeat(64)])("take the attribute %s from everybody", (key) => {
    const element = { timestamp: 1, value: { [key]: 1 } };
    expect(reason("measurements", [element])).toBeUndefined();
    expect(reason("measurements", { measurements: [element] })).toBeUndefined();
  });
  it.each(["a1", "1", "pm_25"])("take the attribute %s from newer clients only", (key) => {
    const element = { timestamp: 1, value: { [key]: 1 } };
    expect(reason("measurements", [element])).toBeUndefined();
    expect(reason("measurements", { measurements: [element] })).toMatch(/has the attribute/);
  });
  it.each(["", "_", "a_", "_a", "a__b", "a-b", "A", "a b", "é", "😀", "a".repeat(65), "a\n", "__proto__"])(
    "refuse the attribute %j",
    (key) => {
      const payload = `[{"timestamp":1,"value":{${JSON.stringify(key)}:1}}]`;
      expect(reason("measurements", payload)).toMatch(/has the attribute/);
    },
  );
  it("refuse a measurement of nothing", () => {
    expect(reason("measurements", [{ timestamp: 1, value: {} }])).toMatch(/has no attributes/);
  });
});

describe("log entries of either generation", () => {
  const entry = { severity: "warning", timestamp: TIME };

  it("are one message, or subject and details", () => {
    expect(value("log-entries", [{ ...entry, message: "" }])).toMatchObject([
      { message: "", details: undefined, divided: false },
    ]);
    const divided = { ...entry, subject: "s", details: "d" };
    expect(value("log-entries", { log_messages: [divided] })).toMatchObject([
      { message: "s", details: "d", divided: true },
    ]);
  });
  it("may have no details, or null", () => {
    for (const details of [undefined, null]) {
      const payload = { log_messages: [{ ...entry, subject: "s", details }] };
      expect(value("log-entries", payload)).toMatchObject([{ details: undefined }]);
    }
  });
  it("do not mix", () => {
    expect(reason("log-entries", [{ ...entry, subject: "s" }])).toMatch(/unknown field "subject"/);
    expect(reason("log-entries", { log_messages: [{ ...entry, message: "m" }] })).toMatch(/unknown field/);
  });
  it.each(["Info", "example", "", null, 1])("refuse the severity %j", (severity) => {
    expect(reason("log-entries", [{ ...entry, severity, message: "m" }])).toMatch(/severity/);
  });
  it("cut what is too long, and never within a character", () => {
    const [cut] = value("log-entries", [
      { ...entry, message: "😀".repeat(16_385) },
    ]) as readonly LogEntryDraft[];
    expect(cut?.message).toBe("😀".repeat(16_384));
    const payload = { log_messages: [{ ...entry, subject: "x".repeat(300), details: "y".repeat(20_000) }] };
    const [older] = value("log-entries", payload) as readonly LogEntryDraft[];
    expect([older?.message.length, older?.details?.length]).toEqual([256, 16_384]);
  });
  it.each([null, 1, undefined])("refuse the message %j", (message) => {
    expect(reason("log-entries", [{ ...entry, message }])).toMatch(/message is not a text/);
  });
  it("refuse U+0000, which no database holds", () => {
    expect(reason("log-entries", [{ ...entry, message: "a\u0000" }])).toMatch(/U\+0000/);
  });
});

describe("acknowledgments of either generation", () => {
  const one = { revision: 3, timestamp: TIME, success: false };

  it("are read in their order", () => {
    const two = { ...one, revision: 0, success: true };
    const expected = [
      { revision: 3, success: false, occurredAt: TIME },
      { revision: 0, success: true, occurredAt: TIME },
    ];
    expect(value("acknowledgments", [one, two])).toEqual(expected);
    expect(value("acknowledgments", { heartbeats: [one, two] })).toEqual(expected);
  });
  it.each([null, undefined])("need a revision: %j is none", (revision) => {
    expect(reason("acknowledgments", [{ ...one, revision }])).toBe("element 0: revision is missing");
  });
  it.each([1, "true", null])("refuse the success %j", (success) => {
    expect(reason("acknowledgments", [{ ...one, success }])).toMatch(/success/);
  });
});

describe("a payload", () => {
  const good = { timestamp: 1, value: { a: 1 } };

  it.each([
    ["", "the payload is not JSON"],
    ["null", "the payload is neither a list"],
    ["{}", "the payload is neither a list"],
    [{ measurements: [good], more: 1 }, "the payload is neither a list"],
    [{ heartbeats: [good] }, "the payload is neither a list"],
    [good, "the payload is neither a list"],
    [[], "the list is empty"],
    [[good, { ...good, extra: 1 }], 'element 1: has the unknown field "extra"'],
    [[good, 1], "element 1: is not an object"],
    [Array(4097).fill(good), "the list has more than 4096 elements"],
  ])("such as %j is refused as a whole", (payload, expected) => {
    expect(reason("measurements", payload)).toContain(expected);
  });
  it("must be UTF-8", () => {
    const result = readTenta("measurements", Buffer.from([0x5b, 0xff, 0x5d]));
    expect(result).toEqual(new Malformed("the payload is not UTF-8"));
  });
  it("of whatever kind never makes the reader raise", () => {
    const kinds = fc.constantFrom<Kind>("measurements", "log-entries", "acknowledgments");
    fc.assert(
      fc.property(kinds, fc.oneof(fc.json(), fc.string()), fc.uint8Array(), (kind, text, bytes) => {
        for (const payload of [Buffer.from(text), Buffer.from(`[${text}]`), bytes]) {
          const result = readTenta(kind, payload);
          if (result instanceof Malformed) expect(result.reason.length).toBeLessThan(250);
          else expect(result.body.value.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});
