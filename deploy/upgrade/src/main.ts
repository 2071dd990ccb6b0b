#!/usr/bin/env node
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeCluster, startNats, startPostgres } from "@fieldlog/servers";
import { Command } from "commander";
import { bundle } from "./bundle.js";
import { checkOut, commitNamed, NoSuchCommit } from "./previous.js";
import { sideBySide } from "./side-by-side.js";
import { Version } from "./version.js";

/** What the next version must be able to run beside: moved on when a version is released. */
const RELEASED = "d70e256891";

const root = join(import.meta.dirname, "..", "..", "..");

const program = new Command("upgrade:check")
  .description(
    "Runs an earlier commit and this one side by side, on the same log and the same tables and under load: first the old one, " +
      "then both, then the new one alone. What one writes the other reads; nothing is lost, doubled or refused meanwhile.",
  )
  .argument("[commit]", "the earlier one", RELEASED)
  .option("--keep", "keep the folder with both versions and their data", false)
  .addHelpText(
    "after",
    "\nProgress goes to standard error. It ends with 1 when something was found.\n\n  npm run upgrade:check -- HEAD~1",
  )
  .action(perform);

async function perform(name: string, { keep }: { keep: boolean }): Promise<void> {
  const begun = Date.now();
  const say = (step: string) =>
    process.stderr.write(`${((Date.now() - begun) / 1_000).toFixed(1).padStart(7)} s  ${step}\n`);
  const commit = await commitNamed(root, name);
  const folder = await mkdtemp(join(tmpdir(), "fieldlog-upgrade-"));
  // The user that runs PostgreSQL in place of root must be able to pass through.
  await chmod(folder, 0o711);
  const undo: (() => Promise<unknown>)[] = [
    () => (keep ? Promise.resolve() : rm(folder, { recursive: true })),
  ];
  try {
    const before = join(folder, "old");
    await checkOut(root, commit, before);
    say(`${commit.slice(0, 10)} is checked out, with its packages`);
    await bundle(before, join(folder, "old-programs"));
    await bundle(root, join(folder, "new-programs"));
    say("both are bundled");
    const nats = await startNats({ dataDir: join(folder, "nats") });
    undo.push(() => nats.stop());
    undo.push(() => removeCluster(join(folder, "postgres")));
    const postgres = await startPostgres({ dataDir: join(folder, "postgres") });
    undo.push(() => postgres.stop());
    const key = `fl_${randomBytes(32).toString("base64url")}`;
    const shared = {
      ...{ FIELDLOG_NATS_URL: nats.url, FIELDLOG_NATS_MONITOR_URL: nats.monitorUrl },
      ...{ FIELDLOG_POSTGRES_URL: postgres.url, FIELDLOG_ADMIN_KEY: key },
      FIELDLOG_INTERNAL_TOKEN: randomBytes(32).toString("base64url"),
      FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
    };
    const old = await Version.of("old", before, join(folder, "old-programs"), shared, folder);
    const current = await Version.of("new", root, join(folder, "new-programs"), shared, folder);
    const { acknowledged, rebuilt, problems } = await sideBySide(old, current, key, say);
    const built = rebuilt.length > 0 ? `; built anew: ${rebuilt.join(", ")}` : "";
    process.stdout.write(`${commit.slice(0, 10)} and this: ${acknowledged} events acknowledged${built}\n`);
    for (const problem of problems) process.stdout.write(`  found: ${problem}\n`);
    process.stdout.write(
      problems.length > 0 ? "not fit to run beside it\n" : "nothing lost, doubled or refused\n",
    );
    process.exitCode = problems.length > 0 ? 1 : 0;
  } finally {
    for (const each of undo.reverse()) await each();
    if (keep) say(`kept: ${folder}`);
  }
}

await program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof NoSuchCommit)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
