import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCacheDir, obtainVersitygw, type RunningS3Server } from "@fieldlog/servers";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { behavesAsAnObjectStore, bytesOf } from "./behaviour.fixture.js";
import { encrypted } from "./encrypted.js";
import { NoSuchObject, ObjectsUnavailable } from "./object-store.js";
import { S3Objects } from "./s3-objects.js";

const told: string[] = [];
const cacheDir = defaultCacheDir();
const program = await obtainVersitygw({ cacheDir, progress: (line) => told.push(line) });

if (program === undefined) {
  // What the requests are is shown by s3-objects.spec.ts, with requests that are recorded.
  it("has no S3 server on this machine, and says so", () => {
    expect(told.at(-1)).toContain("no S3 server on this machine");
  });
} else {
  describe("objects in a bucket of a server that speaks S3", () => {
    let dataDir: string;
    let server: RunningS3Server;
    let store: S3Objects;
    const options = () => ({ ...server, bucket: "readings" });

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "fieldlog-s3-"));
      server = await program.server({ dataDir, buckets: ["readings"] });
      store = new S3Objects(options());
    });
    afterAll(async () => {
      await server?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });

    behavesAsAnObjectStore(() => store, randomUUID);

    describe("encrypted with a device's key", () => {
      const key = randomBytes(32);
      behavesAsAnObjectStore(() => encrypted(store, key), randomUUID);
    });

    it("are put in several requests when they are large, and read in any stretch", async () => {
      const name = `${randomUUID()}/17/large`;
      const whole = randomBytes(11 * 1024 * 1024 + 1);
      expect((await store.put(name, inPieces(whole))).bytes).toBe(whole.length);
      expect((await bytesOf(store.get(name))).equals(whole)).toBe(true);
      const range = { from: 5 * 1024 * 1024 - 3, to: 10 * 1024 * 1024 + 3 };
      const stretch = await bytesOf(store.get(name, range));
      expect(stretch.equals(whole.subarray(range.from, range.to))).toBe(true);
      expect(await bytesOf(store.get(name, { from: whole.length, to: whole.length + 5 }))).toHaveLength(0);
    });

    it("leave nothing when they are cut off after several requests", async () => {
      const name = `${randomUUID()}/17/large`;
      async function* broken() {
        yield* inPieces(randomBytes(6 * 1024 * 1024));
        throw new RangeError("cut off");
      }
      await expect(store.put(name, broken())).rejects.toThrow(new RangeError("cut off"));
      await expect(bytesOf(store.get(name))).rejects.toThrow(NoSuchObject);
    });

    it("are given by a link to whoever has it, in stretches as well, until its time is over", async () => {
      const name = `${randomUUID()}/17/a b`;
      await store.put(name, inPieces(Buffer.from("0123456789")));
      const link = await store.link(name, {
        ...{ seconds: 60, mediaType: "application/json", fileName: "reading-7.json" },
      });
      const answer = await fetch(link);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.get("content-disposition")).toBe('attachment; filename="reading-7.json"');
      expect(await answer.text()).toBe("0123456789");
      const part = await fetch(link, { headers: { range: "bytes=2-4" } });
      expect([part.status, await part.text()]).toEqual([206, "234"]);
      const altered = [
        link.replace("a%2520b", "a%2520c"),
        link.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
        link.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
        link.slice(0, link.indexOf("?")),
      ];
      for (const url of altered) expect((await fetch(url)).status).toBe(403);
      expect((await fetch(link, { method: "DELETE" })).status).toBe(403);
      const short = await store.link(name, { seconds: 1, mediaType: "text/plain", fileName: "a" });
      await until("the link is over", async () => (await fetch(short)).status === 403);
    });

    it("are refused to another key and in another bucket, without a word of the key", async () => {
      for (const other of [{ secretKey: "guessed" }, { bucket: "missing" }]) {
        const refused = new S3Objects({ ...options(), ...other });
        const name = `${randomUUID()}/a`;
        const tries = [
          refused.put(name, inPieces(Buffer.from("a"))),
          bytesOf(refused.get(name)),
          refused.deleteAll(`${randomUUID()}/`),
        ];
        for (const result of await Promise.allSettled(tries)) {
          expect(result).toMatchObject({ status: "rejected", reason: expect.any(ObjectsUnavailable) });
          expect(JSON.stringify((result as PromiseRejectedResult).reason)).not.toContain(server.secretKey);
        }
      }
    });

    it("are unavailable while the server is away, and there again afterwards", async () => {
      const name = `${randomUUID()}/17/a`;
      await store.put(name, inPieces(Buffer.from("kept")));
      await server.kill();
      await expect(store.put(`${name}b`, inPieces(Buffer.from("b")))).rejects.toThrow(ObjectsUnavailable);
      await expect(bytesOf(store.get(name))).rejects.toThrow(ObjectsUnavailable);
      await expect(store.delete(name)).rejects.toThrow(ObjectsUnavailable);
      await expect(store.deleteAll(`${name}/`)).rejects.toThrow(ObjectsUnavailable);
      await server.start();
      expect((await bytesOf(store.get(name))).toString()).toBe("kept");
    });
  });
}

async function* inPieces(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < content.length; at += 60_000) yield content.subarray(at, at + 60_000);
}
