import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sender } from "../senders/sender.js";
import type { Outcome } from "./outcome.js";

/** `ledger.json`: what each device said, and what of that was acknowledged to it. */
export async function keepWhatWasSaid(folder: string, senders: readonly Sender[]): Promise<void> {
  const ledgers = senders.flatMap(({ dialect, ledgers: own }) =>
    own.map((ledger) => ({ dialect, ...ledger })),
  );
  await writeFile(join(folder, "ledger.json"), JSON.stringify(ledgers));
}

/** What is wrong, and what the log, the tables and the subscribers have, so that it can be looked at without a server. */
export async function keepWhatWasFound(folder: string, o: Outcome): Promise<void> {
  await writeFile(join(folder, "findings.json"), JSON.stringify(o.findings, undefined, 1));
  await writeFile(join(folder, "circumstances.json"), JSON.stringify(o.circumstances, undefined, 1));
  const places = [
    { name: "log", said: o.inLog },
    { name: "tables", said: o.inTables },
    ...o.subscribers.map(({ name, heard }) => ({ name: `heard by ${name}`, said: heard })),
  ];
  for (const { name, said } of places) {
    const lines = said.map((one) => JSON.stringify(one));
    await writeFile(join(folder, `${name.replaceAll(" ", "-")}.ndjson`), lines.join("\n"));
  }
}
