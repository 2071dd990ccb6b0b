import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Ledger } from "../ledger/ledger.js";
import { KeptRuns } from "./kept.js";
import type { Outcome } from "./outcome.js";
import { recordOf } from "./record.js";

const outcome = (date: string): Outcome => {
  const ledger = new Ledger("a", true);
  for (let n = 0; n < 3; n++) ledger.sending(n, `digest ${n}`);
  ledger.sending(1, "digest 1");
  ledger.acknowledge(1);
  const said = { sender: "a", n: 1, digest: "digest 1", position: 4_096, identity: "1" };
  const machine = { cpu: "cpu", cores: 2, memoryGiB: 8, system: "linux", node: "24" };
  const fault = { kind: "kill", target: "auth", atMs: 0, forMs: 1, amount: 0 } as const;
  return {
    circumstances: {
      ...{ date, commit: "abc+", machine, flush: { p50Ms: 1, p99Ms: 2 }, replicas: 2, natsServers: 3 },
      versions: { nats: "2.15.2", postgres: "18" },
    },
    ...{ seed: 7, faults: [fault, fault], seconds: 120, transitions: 0, findings: [] },
    dialects: [{ name: "native", ledgers: [ledger], isLogged: true, isTabled: false }],
    ...{ inLog: [said], inTables: [], subscribers: [{ name: "polling", heard: [said, said] }] },
  };
};

it("a kept run has a file of its figures, and a row in the README, the newest first", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fieldlog-faults-"));
  try {
    const readme = join(folder, "README.md");
    await writeFile(readme, "before\n<!-- kept runs: by --keep -->\n<!-- end of kept runs -->\nbehind\n");
    const runs = new KeptRuns(folder);
    await runs.keep(recordOf(outcome("2026-01-01T00:00:00Z"), 100));
    const file = await runs.keep(recordOf(outcome("2026-01-02T00:00:00Z"), 100));
    expect(file).toBe(join(folder, "results", "2026-01-02-abc-7.json"));
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({
      ...{ seed: 7, faults: { kill: 2 }, suiteMiB: 100, findings: [] },
      senders: [
        { sender: "native", devices: 1, sent: 3, acknowledged: 1, sentAgain: 1, inLog: 1, inTables: null },
      ],
      subscribers: [{ subscriber: "polling", heard: 1, again: 1 }],
    });
    const [before, ...lines] = (await readFile(readme, "utf8")).split("\n").filter((line) => line !== "");
    expect([before, lines.at(-1)]).toEqual(["before", "behind"]);
    const rows = lines.filter((line) => line.startsWith("| 2026"));
    expect(rows.map((row) => row.slice(2, 12))).toEqual(["2026-01-02", "2026-01-01"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
