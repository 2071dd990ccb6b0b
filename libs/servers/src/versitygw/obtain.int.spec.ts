import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { defaultCacheDir } from "../cache-dir.js";
import { obtainVersitygw } from "./obtain.js";

it("gives a server that refuses whoever has no key, and is there again after a kill, or says why there is none", async () => {
  const told: string[] = [];
  const cacheDir = defaultCacheDir();
  const versitygw = await obtainVersitygw({ cacheDir, progress: (line) => told.push(line) });
  if (!versitygw) return expect(told.at(-1)).toContain("no S3 server on this machine");
  const dataDir = await mkdtemp(join(tmpdir(), "fieldlog-s3-"));
  try {
    const server = await versitygw.server({ dataDir, buckets: ["readings"] });
    expect((await fetch(`${server.endpoint}/readings/a`)).status).toBe(403);
    await server.kill();
    await expect(fetch(server.endpoint)).rejects.toThrow();
    await server.start();
    expect((await fetch(`${server.endpoint}/readings/a`)).status).toBe(403);
    await server.stop();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}, 700_000);
