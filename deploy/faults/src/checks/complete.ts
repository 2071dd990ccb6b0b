import type { Ledger } from "../ledger/ledger.js";
import type { Said } from "../ledger/said.js";
import { type Finding, few } from "./finding.js";

/** How something may be found more than once. */
export type Repeats =
  /** A resend may stand in the log as well, under the same identity: it is applied once. */
  | "as sent"
  /** What a subscriber gets who keeps its own position: the same, but no place in the log twice. */
  | "rising"
  /** Rows: what is the same is there once. */
  | "never"
  /** What a subscriber gets who may lose its place: the same again, not something else. */
  | "the same";

export interface Place {
  /** "the log", a table, a subscriber. */
  readonly name: string;
  readonly repeats: Repeats;
  /** Names of the ledgers whose signals come there. */
  readonly senders: ReadonlySet<string>;
}

/** Whether a place has all that was acknowledged, once, unchanged, in the order in which each sender said it. */
export function completeness(place: Place, ledgers: readonly Ledger[], found: readonly Said[]): Finding[] {
  const bySender = Map.groupBy(found, ({ sender }) => sender);
  return ledgers
    .filter(({ sender }) => place.senders.has(sender))
    .flatMap((ledger) => ofSender(place, ledger, bySender.get(ledger.sender) ?? []));
}

function ofSender(place: Place, ledger: Ledger, found: readonly Said[]): Finding[] {
  const { entries, sender } = ledger;
  const finding = (what: Finding["what"], numbers: number[], detail = ""): Finding[] =>
    numbers.length === 0
      ? []
      : [{ what, where: place.name, who: sender, detail: `${detail}number ${few(numbers)}` }];
  const byNumber = Map.groupBy(found, ({ n }) => n);
  const numbers = [...byNumber.keys()];
  const lost = entries.flatMap(({ acknowledged }, n) => (acknowledged && !byNumber.has(n) ? [n] : []));
  const madeUp = numbers.filter((n) => !entries[n]);
  const changed = found.filter(({ n, digest }) => entries[n] && entries[n].digest !== digest);
  const doubled = numbers.filter((n) => {
    const entry = entries[n];
    return entry && countOf(place.repeats, byNumber.get(n) ?? []) > (ledger.exact ? 1 : entry.sends);
  });
  const again = place.repeats === "rising" || place.repeats === "never" ? notRising(found) : [];
  return [
    ...finding("lost", lost, `${lost.length} acknowledged and not there: `),
    ...finding("made up", madeUp, "was never said: "),
    ...finding("changed", [...new Set(changed.map(({ n }) => n))], "other content: "),
    ...finding("doubled", doubled, "is there more than once: "),
    ...finding("out of order", outOfOrder(found), "came after a later one: "),
    ...finding("out of order", again, "came at or behind the place of the one before: "),
  ];
}

/** As how many signals it counts. */
function countOf(repeats: Repeats, same: readonly Said[]): number {
  if (repeats === "never") return same.length;
  return new Set(same.map(({ identity, position }) => identity || position)).size;
}

/** Numbers that came for the first time after a higher one had. */
function outOfOrder(found: readonly Said[]): number[] {
  const seen = new Set<number>();
  let highest = -1;
  return found.flatMap(({ n }) => {
    if (seen.has(n)) return [];
    seen.add(n);
    if (n < highest) return [n];
    highest = n;
    return [];
  });
}

function notRising(found: readonly Said[]): number[] {
  return found.flatMap(({ n, position }, i) => (position <= (found[i - 1]?.position ?? 0) ? [n] : []));
}
