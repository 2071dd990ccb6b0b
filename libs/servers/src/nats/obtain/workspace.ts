import { chmod, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { inFreshFolder } from "../../fresh-folder.js";
import type { Found, ObtainContext } from "./found.js";
import { problemWith } from "./installed.js";

/** Lets `fetch` put a nats-server somewhere in a fresh folder, and moves the program into the cache when it works here. */
export function intoCache(
  { target, cacheDir, oldest }: ObtainContext,
  fetch: (folder: string) => Promise<Found>,
): Promise<Found> {
  return inFreshFolder(cacheDir, async (folder) => {
    const found = await fetch(folder);
    if ("reason" in found) return found;
    await chmod(found.path, 0o755);
    const problem = await problemWith(found.path, oldest);
    if (problem) return { reason: problem };
    await mkdir(dirname(target), { recursive: true });
    await rename(found.path, target);
    return { path: target };
  });
}
