import type { Ledger } from "../ledger/ledger.js";
import { type Finding, few } from "./finding.js";

/** Something large that was uploaded, as it was read back. */
export interface Fetched {
  readonly sender: string;
  readonly n: number;
  /** Undefined: it was not read, only listed. */
  readonly digest: string | undefined;
}

/** Whether each upload that was acknowledged is there once, as it was sent, and none that was never sent. */
export function wholeness(where: string, ledgers: readonly Ledger[], found: readonly Fetched[]): Finding[] {
  const bySender = Map.groupBy(found, ({ sender }) => sender);
  return ledgers.flatMap(({ sender, entries }) => {
    const own = Map.groupBy(bySender.get(sender) ?? [], ({ n }) => n);
    const wrong = {
      "is not there": entries.flatMap(({ acknowledged }, n) => (acknowledged && !own.has(n) ? [n] : [])),
      "is there more than once": [...own].flatMap(([n, same]) => (same.length > 1 ? [n] : [])),
      "is not as it was sent": [...own].flatMap(([n, same]) =>
        same.some(({ digest }) => !entries[n] || (digest ?? entries[n].digest) !== entries[n].digest)
          ? [n]
          : [],
      ),
    };
    return Object.entries(wrong).flatMap(([what, numbers]) =>
      numbers.length === 0
        ? []
        : [{ what: "upload" as const, where, who: sender, detail: `${what}: ${few(numbers)}` }],
    );
  });
}
