import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processIdentity } from "./identity.js";

interface Entry {
  pid: number;
  server: string;
  ownerPid: number;
  owner: string;
}

/** Another Fieldlog that is still running uses this data directory. */
export class DataDirectoryInUse extends Error {
  constructor(
    readonly server: string,
    readonly dataDir: string,
    readonly pid: number,
    readonly ownerPid: number,
  ) {
    const starter = ownerPid === pid ? "" : `, started by process ${ownerPid}`;
    super(
      `${server} (process ${pid}${starter}) already runs on ${dataDir}. ` +
        "Stop that one first, or use another data directory (FIELDLOG_DATA_DIR).",
    );
    this.name = "DataDirectoryInUse";
  }
}

/** Remembers a server process and that this process started it. */
export async function writePidFile(path: string, pid: number, flag: "w" | "wx" = "w"): Promise<void> {
  const entry: Entry = {
    pid,
    server: (await processIdentity(pid)) ?? "",
    ownerPid: process.pid,
    owner: (await processIdentity(process.pid)) ?? "",
  };
  await writeFile(path, JSON.stringify(entry), { mode: 0o600, flag });
}

export async function removePidFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Makes this process the only one that uses a data directory, until the returned function is called or the
 * process ends. Raises DataDirectoryInUse.
 */
export async function claimDataDirectory(name: string, dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, "fieldlog.pid");
  for (;;) {
    try {
      await writePidFile(path, process.pid, "wx");
      return () => removePidFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const entry = await readEntry(path);
    if (entry && (await isRunning(entry)))
      throw new DataDirectoryInUse(name, dataDir, entry.pid, entry.ownerPid);
    await removePidFile(path);
  }
}

/**
 * Makes sure that no server of an earlier run is left on a data directory: one whose starter is gone is
 * stopped (`signal`, after 15 s SIGKILL). Raises DataDirectoryInUse when its starter is still there.
 */
export async function endLeftover(
  path: string,
  o: { server: string; dataDir: string; signal: NodeJS.Signals; log: (line: string) => void },
): Promise<void> {
  const entry = await readEntry(path);
  if (!entry || !(await isRunning(entry))) return removePidFile(path);
  if ((await processIdentity(entry.ownerPid)) === entry.owner) {
    throw new DataDirectoryInUse(o.server, o.dataDir, entry.pid, entry.ownerPid);
  }
  o.log(`stopping the ${o.server} (process ${entry.pid}) that an earlier run left behind`);
  for (const [signal, seconds] of [[o.signal, 15] as const, ["SIGKILL", 5] as const]) {
    signalTo(entry.pid, "SIGCONT");
    signalTo(entry.pid, signal);
    for (let waited = 0; waited < seconds * 10; waited++) {
      if (!(await isRunning(entry))) return removePidFile(path);
      await sleep(100);
    }
  }
  throw new Error(
    `the ${o.server} of an earlier run (process ${entry.pid}) does not end; stop it with: kill -9 ${entry.pid}`,
  );
}

async function readEntry(path: string): Promise<Entry | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Entry;
  } catch {
    return undefined;
  }
}

async function isRunning(entry: Entry): Promise<boolean> {
  return (await processIdentity(entry.pid)) === entry.server;
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in the meantime.
  }
}
