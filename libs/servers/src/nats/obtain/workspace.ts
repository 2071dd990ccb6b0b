import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Found, ObtainContext } from "./found.js";
import { problemWith } from "./installed.js";

/**
 * Lets `fetch` put a nats-server somewhere in a fresh folder, and moves the program into the cache in one step
 * when it works here: processes that obtain at the same time never see half of one.
 */
export async function intoCache(
  { target, cacheDir }: ObtainContext,
  fetch: (folder: string) => Promise<Found>,
): Promise<Found> {
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const folder = await mkdtemp(join(cacheDir, "obtaining-"));
  try {
    const found = await fetch(folder);
    if ("reason" in found) return found;
    await chmod(found.path, 0o755);
    const problem = await problemWith(found.path);
    if (problem) return { reason: problem };
    await mkdir(dirname(target), { recursive: true });
    await rename(found.path, target);
    return { path: target };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds after which nobody is at work any more on what was begun. */
const ABANDONED_MS = 3_600_000;

/** What a process left that ended in the middle. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith("obtaining-")) continue;
    const folder = join(cacheDir, name);
    const age = await stat(folder).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}
