import { describe, expect, it } from "vitest";
import { rulesFor } from "./rules.js";

const NOW = Date.UTC(2026, 4, 1);
const daysAgo = (days: number) => new Date(NOW - days * 86_400_000);
const kept = (id: string, measurement_days: number | null, log_days: number | null) => {
  return { id, measurement_days, log_days };
};

describe("what is to be forgotten", () => {
  it("are log entries after 56 days, where nobody has said otherwise, and measurements never", () => {
    expect(rulesFor([kept("a", null, 56)], NOW)).toEqual([
      { table: "log_entries", namespaces: { notIn: [] }, before: daysAgo(56) },
      { table: "reading_identities", namespaces: { notIn: [] }, before: daysAgo(31) },
    ]);
  });

  it("follows from each namespace's days, those that are alike together", () => {
    const all = [kept("a", 7, null), kept("b", 7, 1), kept("c", 30, 56), kept("d", null, 1)];
    expect(rulesFor(all, NOW).filter(({ table }) => table !== "reading_identities")).toEqual([
      { table: "measurements", namespaces: { in: ["a", "b"] }, before: daysAgo(7) },
      { table: "measurement_hours", namespaces: { in: ["a", "b"] }, before: daysAgo(7) },
      { table: "measurements", namespaces: { in: ["c"] }, before: daysAgo(30) },
      { table: "measurement_hours", namespaces: { in: ["c"] }, before: daysAgo(30) },
      { table: "log_entries", namespaces: { in: ["b", "d"] }, before: daysAgo(1) },
      { table: "log_entries", namespaces: { notIn: ["a", "b", "d"] }, before: daysAgo(56) },
    ]);
  });
});
