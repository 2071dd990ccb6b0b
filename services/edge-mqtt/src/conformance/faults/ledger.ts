// Holds what senders know against what is stored.
import type { Logged } from "./truth.js";

/** What was acknowledged and is not stored. */
export const missing = (ledger: ReadonlySet<number>, stored: readonly Logged[]) => {
  const there = new Set(stored.map(({ payload }) => Number(payload)));
  return [...ledger].filter((n) => !there.has(n));
};

/** What is stored more than once. */
export const doubled = (stored: readonly Logged[]) => {
  const there = new Set<number>();
  return stored.map(({ payload }) => Number(payload)).filter((n) => there.has(n) || !there.add(n));
};

/** Later copies without identity that do not say that they were sent again. */
export const unmarked = (stored: readonly Logged[]) => {
  const there = new Set<string>();
  return stored.filter(({ payload, redelivered, identity }) => {
    const copy = there.has(payload);
    there.add(payload);
    return copy && !redelivered && identity === "";
  });
};

/** As every reader of the log sees it: an identity once. */
export const onceEach = (stored: readonly Logged[]) => {
  const identities = new Set<string>();
  return stored.filter(({ identity }) => {
    if (identity === "") return true;
    if (identities.has(identity)) return false;
    identities.add(identity);
    return true;
  });
};
