import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SERVICES } from "@fieldlog/processes";
import { type Plugin, rolldown } from "rolldown";
import { temporaryDir } from "./servers.js";

/** The environment variable through which the global set-up tells the workers of the run's bundled programs. */
export const BUNDLED_PROGRAMS = "TESTKIT_PROGRAMS";
/** Its value where programs are to be run as they were built. */
const NONE = "no";

const root = join(import.meta.dirname, "..", "..", "..");

/** The program with all services. */
export const LAUNCHER = "fieldlog";

const built = (name: string) =>
  join(root, name === LAUNCHER ? "deploy/local/dist/main.js" : `services/${name}/dist/main.js`);

/** The program of a service, or LAUNCHER: the bundled one of a folder (default: the run's), else the built one. */
export function programOf(name: string, dir = bundled()): string {
  return dir === undefined ? built(name) : join(dir, `${name}.mjs`);
}

/** Where Node keeps the programs' compiled code, which all processes share. */
export const compileCache = (): string => join(bundled() ?? tmpdir(), "fieldlog-compile-cache");

function bundled(): string | undefined {
  const dir = process.env[BUNDLED_PROGRAMS];
  return dir === NONE ? undefined : dir;
}

/**
 * Vitest's global set-up of the tests with started systems: bundles the built services, once per run, because a process
 * that finds and reads 2,000 modules spends most of its start on that. Returns the tear-down.
 * TESTKIT_PROGRAMS=no runs them as they were built.
 */
export async function setup(): Promise<() => Promise<void>> {
  // Not wanted, or done by another kind of tests in this run.
  if (process.env[BUNDLED_PROGRAMS] !== undefined) return async () => undefined;
  const dir = await temporaryDir();
  const clear = () => rm(dir, { recursive: true, force: true });
  await bundle(dir).catch(async (error) => {
    await clear();
    throw error;
  });
  process.env[BUNDLED_PROGRAMS] = dir;
  return clear;
}

async function bundle(dir: string): Promise<void> {
  const input = Object.fromEntries([LAUNCHER, ...SERVICES].map((name) => [name, built(name)]));
  const build = await rolldown({
    ...{ input, platform: "node", plugins: [ownPlaces, nativeCode] },
    // What a package may use and we have not installed stays a require that fails, as without a bundle.
    checks: { unresolvedImport: false, ineffectiveDynamicImport: false },
  });
  await build.write({
    dir,
    format: "esm",
    keepNames: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
  });
  await build.close();
}

/** A module finds the files beside it where they are. */
const ownPlaces: Plugin = {
  name: "own places",
  transform: {
    filter: { code: "import.meta.url" },
    handler: (code, id) => code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)),
  },
};

/** Addons are loaded from where they are. */
const nativeCode: Plugin = {
  name: "native code",
  load: {
    filter: { id: /\.node$/ },
    handler: (id) => ({ code: `process.dlopen(module, ${JSON.stringify(id)});`, moduleType: "js" }),
  },
};
