import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { run } from "../process/run.js";

/** The unprivileged user that PostgreSQL runs as when we are root, which it refuses to run as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Where root keeps what that user must reach when the data directory lies in a folder closed to it (as /root is). */
const REACHABLE_DIR = "/var/lib/fieldlog";

/** The account to run the database as: undefined (ourselves) unless we are root; then `postgres` or `nobody`. */
export async function databaseAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = await Promise.all([
      run("id", ["-u", name]).catch(() => ""),
      run("id", ["-g", name]).catch(() => ""),
    ]);
    if (uid.trim() && gid.trim()) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody to run it as. " +
      "Start Fieldlog as another user, or set FIELDLOG_POSTGRES_URL to a running server.",
  );
}

/** Whether the account may enter every folder above this path. */
export async function canReach(account: Account, path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Makes REACHABLE_DIR. */
export async function makeReachableDir(): Promise<string> {
  await mkdir(REACHABLE_DIR, { recursive: true, mode: 0o755 });
  await access(REACHABLE_DIR, constants.W_OK);
  return REACHABLE_DIR;
}
