import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCacheDir, obtainVersitygw, type RunningS3Server } from "@fieldlog/servers";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const told: string[] = [];
const progress = (line: string) => told.push(line);
const program = await obtainVersitygw({ cacheDir: defaultCacheDir(), progress });

if (program === undefined) {
  it("has no S3 server on this machine, and says so", () => {
    expect(told.at(-1)).toContain("no S3 server on this machine");
  });
} else {
  describe("readings in S3, given away by the storage itself", () => {
    let dataDir: string;
    let s3: RunningS3Server;
    let servers: TestServers;
    let system: System;
    let postgresUrl: string;
    let device = "";
    const installationKey = randomBytes(32).toString("base64");

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "fieldlog-s3-"));
      s3 = await program.server({ dataDir, buckets: ["readings"] });
      servers = await startServers();
      postgresUrl = await servers.databaseUrl("s3");
      system = await start();
      await newDevice();
    });
    afterAll(async () => {
      await system?.stop();
      await servers?.stop();
      await s3?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });

    /** With the keys that the storage takes now. */
    function start(): Promise<System> {
      const settings = {
        FIELDLOG_INSTALLATION_KEY: installationKey,
        ...{ FIELDLOG_S3_ENDPOINT: s3.endpoint, FIELDLOG_S3_BUCKET: "readings", FIELDLOG_S3_DIRECT: "true" },
        ...{ FIELDLOG_S3_ACCESS_KEY: s3.accessKey, FIELDLOG_S3_SECRET_KEY: s3.secretKey },
      };
      return startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true, settings });
    }

    /** That is asked for its data of now, from here on. */
    async function newDevice(): Promise<void> {
      device = (await api("POST", "/devices", { name: randomUUID() })).json.id;
      await api("POST", "/requests", { device, current: true });
    }

    async function api(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
      const response = await fetch(`${system.url}/v1/namespaces/test${path}`, {
        ...{ method, redirect: "manual" },
        headers: {
          authorization: `Bearer ${system.adminKey}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      const text = bytes.toString();
      // biome-ignore lint/suspicious/noExplicitAny: any JSON, held against literals
      const json: any = text.startsWith("{") ? JSON.parse(text) : {};
      return { status: response.status, headers: response.headers, bytes, json };
    }

    /** A URL for the device's data of now. */
    async function offered(): Promise<{ url: string; reading: number }> {
      const offer = { sensor: "0", current: true, format: "application/octet-stream", fileName: "a b.rec" };
      return await until("its data are wanted", async () => {
        const { json } = await api("POST", `/devices/${device}/offers`, { offers: [offer] });
        return json.answers?.[0] ?? undefined;
      });
    }

    async function put(url: string, content: Uint8Array): Promise<number> {
      const headers = { accept: "application/json" };
      const body = content as Uint8Array<ArrayBuffer>;
      const response = await fetch(url, { method: "PUT", headers, body });
      await response.arrayBuffer();
      return response.status;
    }

    const inStorage = async () => {
      const entries = await readdir(join(dataDir, "buckets", "readings"), {
        recursive: true,
        withFileTypes: true,
      });
      return entries.filter((entry) => entry.isFile()).length;
    };

    it("are downloaded from it, whole and in ranges, by whoever asked us with a key", async () => {
      const content = randomBytes(3 * MIB + 5);
      const { url, reading } = await offered();
      expect(await put(url, content)).toBe(201);
      const answer = await api("GET", `/readings/${reading}/data`);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([302, "no-store"]);
      const location = answer.headers.get("location") ?? "";
      expect(location.startsWith(`${s3.endpoint}/readings/`)).toBe(true);
      const given = await fetch(location);
      expect(given.status).toBe(200);
      expect(given.headers.get("content-disposition")).toBe('attachment; filename="a_b.rec"');
      expect(Buffer.from(await given.arrayBuffer()).equals(content)).toBe(true);
      const range = await fetch(location, { headers: { range: "bytes=7-9" } });
      expect(Buffer.from(await range.arrayBuffer())).toEqual(content.subarray(7, 10));
      expect((await fetch(location.replace("/readings/", "/readings/x"))).status).toBe(403);
    });

    it("come through us where the original's path is asked, and where they lie in several objects", async () => {
      const content = randomBytes(9 * MIB);
      const { url, reading } = await offered();
      expect(await put(url, content)).toBe(201);
      const range = await api("GET", `/readings/${reading}/data`, undefined, {
        range: `bytes=${8 * MIB - 2}-${8 * MIB + 1}`,
      });
      expect([range.status, range.bytes]).toEqual([206, content.subarray(8 * MIB - 2, 8 * MIB + 2)]);
      const { json } = await api("POST", `/readings/${reading}/tokens`, {});
      const answer = await fetch(json.url, { redirect: "error" });
      const whole = Buffer.from(await answer.arrayBuffer());
      expect(createHash("sha256").update(whole).digest()).toEqual(
        createHash("sha256").update(content).digest(),
      );
    });

    it("are read on, and taken, when its keys are others", { timeout: 240_000 }, async () => {
      const content = randomBytes(1_000);
      const { url, reading } = await offered();
      expect(await put(url, content)).toBe(201);
      const { headers } = await api("GET", `/readings/${reading}/data`);
      const { search } = new URL(headers.get("location") ?? "");
      await system.stop();
      await s3.stop();
      const { accessKey } = s3;
      s3 = await program.server({ dataDir, buckets: ["readings"] });
      expect(s3.accessKey).not.toBe(accessKey);
      system = await start();
      const location = (await api("GET", `/readings/${reading}/data`)).headers.get("location") ?? "";
      expect(Buffer.from(await (await fetch(location)).arrayBuffer()).equals(content)).toBe(true);
      // A link that was given away before ends with its key, which this server knows as little as its owner.
      expect([403, 404]).toContain((await fetch(location.replace(/\?.*/, search))).status);
      expect(await put((await offered()).url, content)).toBe(201);
    });

    it("are gone from it when they are removed", async () => {
      const before = await inStorage();
      const { url, reading } = await offered();
      expect(await put(url, randomBytes(1_000))).toBe(201);
      expect(await inStorage()).toBeGreaterThan(before);
      expect((await api("DELETE", `/readings/${reading}`)).status).toBe(204);
      await until("its object is gone", async () => (await inStorage()) === before);
    });

    it("are not taken while it is away; what comes afterwards is", async () => {
      const { url } = await offered();
      await s3.kill();
      expect(await put(url, randomBytes(1_000))).toBe(503);
      await s3.start();
      expect(await put((await offered()).url, randomBytes(1_000))).toBe(201);
    });

    it("are gone from it when their device is erased; what is under way cannot end", async () => {
      const erased = device;
      const kept = await inStorage();
      const { url, reading } = await offered();
      const underWay = await offered();
      expect(await put(url, randomBytes(1_000))).toBe(201);
      await newDevice();
      const other = await offered();
      expect(await put(other.url, randomBytes(1_000))).toBe(201);
      expect((await api("POST", `/devices/${erased}/erase`)).status).toBeLessThan(300);
      await until("the objects of the other device alone are left", async () => (await inStorage()) === 1);
      expect(kept).toBeGreaterThan(1);
      expect((await api("GET", `/readings/${reading}/data`)).status).toBe(404);
      expect([404, 409, 410]).toContain(await put(underWay.url, randomBytes(1_000)));
      expect((await api("GET", `/readings/${other.reading}/data`)).status).toBe(302);
    });

    it("are gone from it when the namespace is cleared, and what comes then stays", async () => {
      const before = await offered();
      expect(await put(before.url, randomBytes(1_000))).toBe(201);
      expect((await api("POST", "/clear")).status).toBeLessThan(300);
      await newDevice();
      const since = await offered();
      const content = randomBytes(2_000);
      expect(await put(since.url, content)).toBe(201);
      await until("what was there before is gone", async () => (await inStorage()) === 1);
      expect((await api("GET", `/readings/${before.reading}/data`)).status).toBe(404);
      const { headers } = await api("GET", `/readings/${since.reading}/data`);
      const given = await fetch(headers.get("location") ?? "");
      expect(Buffer.from(await given.arrayBuffer()).equals(content)).toBe(true);
    });

    it("have links that stand in no log", () => {
      for (const process of Object.values(system.processes)) {
        expect(process.log()).not.toMatch(/X-Amz-Signature|\/uploads\//);
        expect(process.log()).not.toContain(s3.secretKey);
      }
    });
  });
}
