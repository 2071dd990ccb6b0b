import { describe, expect, it } from "vitest";
import { Ledger } from "../ledger/ledger.js";
import { digestOf, type Said, saidBy, textOf } from "../ledger/said.js";
import { completeness, type Place } from "./complete.js";

const senders = new Set(["a"]);
const log: Place = { name: "the log", repeats: "as sent", senders };
const table: Place = { name: "events", repeats: "never", senders };
const hook: Place = { name: "webhook", repeats: "the same", senders };

/** Five were said, 0 to 3 acknowledged; what is found is said again by number. */
function ledgerOf(exact = true): Ledger {
  const ledger = new Ledger("a", exact);
  for (let n = 0; n < 5; n++) ledger.sending(n, digestOf(textOf("a", n)));
  for (let n = 0; n < 4; n++) ledger.acknowledge(n);
  return ledger;
}

function found(numbers: readonly number[], more: (i: number) => Partial<Said> = () => ({})): Said[] {
  return numbers.map((n, i) => {
    const fact = { position: i + 1, identity: `id-${n}`, device: "d", text: textOf("a", n) };
    return { ...(saidBy(fact) as Said), ...more(i) };
  });
}

const whats = (place: Place, ledger: Ledger, said: Said[]) =>
  completeness(place, [ledger], said).map(
    ({ what, detail }) => `${what} ${detail.match(/number (.*)/)?.[1]}`,
  );

describe("what is found", () => {
  it("is right with all that was acknowledged, and with more that was only sent", () => {
    for (const place of [log, table, hook]) {
      expect(whats(place, ledgerOf(), found([0, 1, 2, 3]))).toEqual([]);
      expect(whats(place, ledgerOf(), found([0, 1, 2, 3, 4]))).toEqual([]);
    }
  });

  it("is wrong where something is missing, changed, made up, or in another order", () => {
    expect(whats(log, ledgerOf(), found([0, 3]))).toEqual(["lost 1, 2"]);
    const changed = found([0, 1, 2, 3], (i) => (i === 2 ? { digest: "other" } : {}));
    expect(whats(log, ledgerOf(), changed)).toEqual(["changed 2"]);
    expect(whats(log, ledgerOf(), found([0, 1, 2, 3, 9]))).toEqual(["made up 9"]);
    expect(whats(log, ledgerOf(), found([0, 2, 1, 3]))).toEqual(["out of order 1"]);
  });

  it("may stand in the log twice under one identity, and not under two", () => {
    const twice = found([0, 1, 1, 2, 3]);
    expect(whats(log, ledgerOf(), twice)).toEqual([]);
    expect(whats(hook, ledgerOf(), twice)).toEqual([]);
    expect(whats(table, ledgerOf(), twice)).toEqual(["doubled 1"]);
    const other = found([0, 1, 1, 2, 3], (i) => (i === 2 ? { identity: "other" } : {}));
    expect(whats(log, ledgerOf(), other)).toEqual(["doubled 1"]);
  });

  it("counts as often as it was sent, where nothing tells a resend", () => {
    const ledger = ledgerOf(false);
    const none = () => ({ identity: "" });
    expect(whats(table, ledger, found([0, 1, 1, 2, 3], none))).toEqual(["doubled 1"]);
    ledger.sending(1, digestOf(textOf("a", 1)));
    expect(whats(table, ledger, found([0, 1, 1, 2, 3], none))).toEqual([]);
    expect(whats(log, ledger, found([0, 1, 1, 1, 2, 3], none))).toEqual(["doubled 1"]);
  });

  it("never goes back where the reader keeps its own position", () => {
    const back = found([0, 1, 2, 3], (i) => ({ position: [1, 2, 2, 3][i] ?? 0 }));
    expect(whats(table, ledgerOf(), back)).toEqual(["out of order 2"]);
    expect(whats(hook, ledgerOf(), back)).toEqual([]);
  });

  it("is not asked for where a sender's signals do not come", () => {
    const other = { ...table, senders: new Set<string>() };
    expect(whats(other, ledgerOf(), [])).toEqual([]);
  });
});
