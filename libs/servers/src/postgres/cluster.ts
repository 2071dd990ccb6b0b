import {
  access,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { isAlive, processIdentity } from "../process/identity.js";
import { run } from "../process/run.js";
import { type Account, canReach, makeReachableDir } from "./account.js";

export const SUPERUSER = "fieldlog";

/**
 * The folder of the database files that belongs to `dataDir`: `<dataDir>/cluster`, made by initdb at the first
 * start. When the account that runs the server cannot get there, `cluster` is a link to a folder where it can.
 */
export async function clusterIn(
  dataDir: string,
  account: Account | undefined,
  o: { initdb: string; password: string; log: (line: string) => void },
): Promise<string> {
  const place = join(dataDir, "cluster");
  const linked = await readlink(place).catch(() => undefined);
  const existing = linked ?? place;
  if (await exists(join(existing, "PG_VERSION"))) return existing;

  // A link whose folder was removed, or the remains of a first start that was interrupted.
  await rm(place, { recursive: true, force: true });
  const reachable = !account || (await canReach(account, place));
  const parent = reachable ? dataDir : await makeReachableDir();
  const folder = await mkdtemp(join(parent, "initdb-"));
  try {
    await initialise(folder, account, o);
    const cluster = reachable ? place : folder.replace("initdb-", "cluster-");
    await rename(folder, cluster);
    if (!reachable) {
      o.log(`the database's files are in ${cluster}: ${account?.name} cannot enter ${dataDir}`);
      await symlink(cluster, place);
    }
    return cluster;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Removes the database's files, wherever they are. The server must have ended. */
export async function removeCluster(dataDir: string): Promise<void> {
  const linked = await readlink(join(dataDir, "cluster")).catch(() => undefined);
  if (linked) await rm(linked, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}

async function initialise(
  folder: string,
  account: Account | undefined,
  o: { initdb: string; password: string },
): Promise<void> {
  // initdb reads the password from a file, as the account; it is gone before anything else happens.
  const passwordFile = `${folder}.password`;
  await writeFile(passwordFile, o.password, { mode: 0o600 });
  try {
    if (account) {
      await chown(folder, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    await chmod(folder, 0o700);
    await mkdir(folder, { recursive: true });
    const flags = [
      `--pgdata=${folder}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ];
    await run(o.initdb, flags, {
      cwd: "/",
      ...(account && { uid: account.uid, gid: account.gid }),
      env: { LC_ALL: "C", LANG: "C" },
      timeoutMs: 180_000,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * After a kill -9 the file postmaster.pid stays. PostgreSQL copes with that, unless another program got the same
 * process number: then it takes that program for itself and refuses to start. Such a number is replaced by one
 * that no process has; the rest stays, for from it PostgreSQL sees whether old sessions are still at work.
 */
export async function forgetReusedPid(cluster: string): Promise<void> {
  const path = join(cluster, "postmaster.pid");
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  const pid = Number(lines[0]);
  if (!pid || !isAlive(pid) || (await isPostgres(pid))) return;
  await writeFile(path, [String(2 ** 22 + 1), ...lines.slice(1)].join("\n"));
}

async function isPostgres(pid: number): Promise<boolean> {
  if (!(await processIdentity(pid))) return false;
  const command = await readFile(`/proc/${pid}/comm`, "utf8").catch(() =>
    run("ps", ["-o", "comm=", "-p", String(pid)]).catch(() => ""),
  );
  return command.includes("postgres");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
