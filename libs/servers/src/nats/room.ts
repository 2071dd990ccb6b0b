import { readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Bytes that a store may take up: three quarters of what is free on its disk together with what it holds already.
 * NATS by itself leaves the second out, so that each start allows less than the one before
 * (nats-server, issues 4140 and 5871).
 */
export async function roomFor(storeDir: string, free = freeBeside): Promise<number> {
  return Math.floor(0.75 * ((await free(storeDir)) + (await sizeOf(storeDir))));
}

async function freeBeside(storeDir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dirname(storeDir));
  return bavail * bsize;
}

async function sizeOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(({ parentPath, name }) =>
    stat(join(parentPath, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
