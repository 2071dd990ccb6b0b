import { describe, expect, it } from "vitest";
import { InvalidFilter, topicSearch } from "./topic-filter.js";

/** What Postgres makes of a search, as far as JavaScript's expressions are the same. */
function matches(filter: string, topic: string): boolean {
  const search = topicSearch(filter);
  if (search.kind === "all") return true;
  if (search.kind === "exact") return search.topic === topic;
  return topic.startsWith(search.prefix) && new RegExp(search.pattern, "s").test(topic);
}

describe("a topic filter", () => {
  // MQTT 5.0, 4.7.1 and 4.7.2, with their examples.
  it.each([
    [
      "sport/tennis/player1/#",
      ["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/w"],
    ],
    ["sport/#", ["sport", "sport/", "sport/tennis"]],
    ["sport/+", ["sport/", "sport/tennis"]],
    ["+", ["finance", ""]],
    ["+/+", ["/finance"]],
    ["/+", ["/finance"]],
    ["#", ["a", "/a/b", ""]],
    ["+/monitor/#", ["a/monitor", "a/monitor/x"]],
    ["$SYS/#", ["$SYS", "$SYS/x"]],
    ["$SYS/monitor/+", ["$SYS/monitor/x"]],
    ["a.b/+", ["a.b/c"]],
    ["a/b", ["a/b"]],
    ["", ["a", "$a"]],
  ])("%s matches", (filter, topics) => {
    for (const topic of topics) expect([topic, matches(filter, topic)]).toEqual([topic, true]);
  });

  it.each([
    ["sport/tennis/player1/#", ["sport/tennis/player11", "sport/tennis"]],
    ["sport/+", ["sport", "sport/a/b"]],
    ["+", ["/finance", "$SYS"]],
    ["#", ["$SYS", "$SYS/a"]],
    ["+/monitor/#", ["$SYS/monitor/x"]],
    ["a.b/+", ["aXb/c"]],
    ["a/b", ["a/b/", "A/b"]],
  ])("%s does not match", (filter, topics) => {
    for (const topic of topics) expect([topic, matches(filter, topic)]).toEqual([topic, false]);
  });

  it.each(["a#", "a/#/b", "a+", "+a", "#/a", "a/b+/c", "a\0", "x".repeat(1_025)])("is none: %j", (filter) => {
    expect(() => topicSearch(filter)).toThrow(InvalidFilter);
  });

  it("tells what topics begin with, which an index can find", () => {
    expect(topicSearch("a/b/+/c")).toMatchObject({ prefix: "a/b/" });
    expect(topicSearch("a/b/#")).toMatchObject({ prefix: "a/b" });
    expect(topicSearch("+/b")).toMatchObject({ prefix: "" });
  });
});
