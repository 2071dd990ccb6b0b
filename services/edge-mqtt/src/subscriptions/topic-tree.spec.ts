import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesFilter, splitShare } from "./topic-filter.js";
import { TopicTree } from "./topic-tree.js";

/** As the specification says it, level by level. */
function naive(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && /^[#+]/.test(filter)) return false;
  const matches = (f: string[], t: string[]): boolean => {
    const [first, ...more] = f;
    if (first === undefined) return t.length === 0;
    if (first === "#") return true;
    const [level, ...rest] = t;
    if (level === undefined) return false;
    return (first === "+" || first === level) && matches(more, rest);
  };
  return matches(filter.split("/"), topic.split("/"));
}

const level = fc.constantFrom("", "a", "b", "$a", "sport", "ü");
const topic = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join("/"))
  .filter((each) => each !== "");
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => (all ? [...levels, "#"] : levels).join("/"))
  .filter((each) => each !== "");

describe("topic filters", () => {
  it.each([
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
    ["sport/#", "sport", true],
    ["#", "sport/tennis", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/monitor/Clients", false],
    ["+/monitor/Clients", "$SYS/monitor/Clients", false],
    ["$SYS/#", "$SYS/", true],
    ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
    ["a", "A", false],
  ])("%s and %s: %s, as the specification's examples say (section 4.7)", (one, other, expected) => {
    expect(matchesFilter(one, other)).toBe(expected);
    expect(naive(one, other)).toBe(expected);
  });

  it("match as a naive matcher does", () => {
    fc.assert(
      fc.property(filter, topic, (f, t) => matchesFilter(f, t) === naive(f, t)),
      { numRuns: 2_000 },
    );
  });

  it("are found in the tree as one by one, also after others were removed", () => {
    const change = fc.record({ filter, remove: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.array(topic, { maxLength: 10 }),
        (changes, topics) => {
          const tree = new TopicTree<string>();
          const model = new Set<string>();
          for (const each of changes) {
            if (each.remove) {
              tree.delete(each.filter, each.filter);
              model.delete(each.filter);
            } else {
              tree.add(each.filter, each.filter);
              model.add(each.filter);
            }
          }
          expect(tree.size).toBe(model.size);
          for (const t of topics) {
            const found: string[] = [];
            tree.match(t, (value) => found.push(value));
            expect(found.sort()).toEqual([...model].filter((f) => naive(f, t)).sort());
          }
          for (const f of model) tree.delete(f, f);
          expect(tree).toEqual(new TopicTree());
        },
      ),
      { numRuns: 500 },
    );
  });

  it("say which group shares them", () => {
    expect(splitShare("$share/group/a/+")).toEqual({ share: "group", filter: "a/+" });
    expect(splitShare("$share/group//a")).toEqual({ share: "group", filter: "/a" });
    expect(splitShare("a/+")).toEqual({ filter: "a/+" });
  });
});
