import type { Ledger } from "../ledger/ledger.js";
import type { Sender } from "./sender.js";

interface DeviceTalk {
  readonly ledger: Ledger;
  aheadMs: number;
  start(): void;
  stop(): Promise<void>;
}

type More = Partial<Sender> & Pick<Sender, "tables" | "isEvents">;

/** A dialect's sender: its devices' talks; unless told otherwise, each under its device's id, and in the log. */
export function senderOf(dialect: string, talks: readonly DeviceTalk[], more: More): Sender {
  const ledgers = talks.map(({ ledger }) => ledger);
  return {
    ...{ dialect, ledgers, isLogged: true, devices: ledgers.map(({ sender }) => sender) },
    setClock: (aheadMs) => {
      for (const talk of talks) talk.aheadMs = aheadMs;
    },
    start: () => {
      for (const talk of talks) talk.start();
    },
    stop: async () => void (await Promise.all(talks.map((talk) => talk.stop()))),
    ...more,
  };
}
