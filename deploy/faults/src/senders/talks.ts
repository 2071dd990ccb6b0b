import type { Sender, Talk } from "./sender.js";

/** A dialect's sender whose devices talk over HTTP. */
export function senderOf(
  dialect: string,
  talks: readonly Talk[],
  more: Pick<Sender, "tables" | "isEvents">,
  also: { start?: () => void; stop?: () => Promise<void> } = {},
): Sender {
  return {
    ...{ dialect, ...more, ledgers: talks.map(({ ledger }) => ledger) },
    setClock: (aheadMs) => {
      for (const talk of talks) talk.aheadMs = aheadMs;
    },
    start: () => {
      for (const talk of talks) talk.start();
      also.start?.();
    },
    stop: async () => {
      await Promise.all([...talks.map((talk) => talk.stop()), also.stop?.()]);
    },
  };
}
