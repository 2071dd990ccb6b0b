import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../process/ports.js";
import { RELEASE_VERSION } from "./archive.js";
import { type NatsServerNotFound, type ObtainOptions, obtainNatsServer } from "./obtain.js";

const MACHINE = `${process.platform}-${{ x64: "amd64", arm64: "arm64" }[process.arch as string]}`;
const NAME = `nats-server-v${RELEASE_VERSION}-${MACHINE}`;

/** A program that is a nats-server as far as its version goes. */
const program = (version: string) => `#!/bin/sh\necho "nats-server: ${version}"\n`;

describe("obtaining nats-server", () => {
  let dir: string;
  let cacheDir: string;
  let files: Map<string, Buffer>;
  let server: Server;
  let told: string[];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "fieldlog-obtain-"));
    cacheDir = join(dir, "cache");
    told = [];
    files = releaseFiles(dir, program(`v${RELEASE_VERSION}`));
    server = await serve((request, response) => {
      const file = files.get(request.url ?? "");
      response.writeHead(file ? 200 : 404, file ? { "content-length": file.length } : {}).end(file);
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const obtain = (o: Partial<ObtainOptions> = {}) =>
    obtainNatsServer({
      cacheDir,
      progress: (message) => told.push(message),
      searchPath: join(dir, "bin"),
      sources: ["path", "cache", "release"],
      release: { baseUrl: address(server), pinned: {}, answerTimeoutMs: 500, idleTimeoutMs: 500 },
      ...o,
    });
  const reasonOf = (attempt: Promise<string>) =>
    attempt.then(
      () => "none: it was obtained",
      (error: NatsServerNotFound) => error.reasons.release,
    );

  it("takes the one on the PATH", async () => {
    const path = install(join(dir, "bin"), "v2.11.3");
    expect(await obtain()).toBe(path);
    expect(told).toEqual([]);
  });

  it("passes over one on the PATH that is too old", async () => {
    install(join(dir, "bin"), "v2.9.25");
    expect(await obtain()).toBe(join(cacheDir, "nats-server"));
  });

  it("passes over one that may not be in a cluster, and keeps what may apart", async () => {
    install(join(dir, "bin"), "v2.14.0");
    expect(await obtain()).toBe(join(dir, "bin", "nats-server"));
    await expect(obtain({ forCluster: true, sources: ["path"] })).rejects.toThrow(
      /v2.14.0 is older than 2.15/,
    );
    const kept = install(cacheDir, "v2.15.2", "nats-server-cluster");
    expect(await obtain({ forCluster: true })).toBe(kept);
  });

  it("downloads the release with the sum from the release's list, telling how far it is, and keeps it", async () => {
    expect(await obtain()).toBe(join(cacheDir, "nats-server"));
    expect(told.at(-1)).toBe(`downloading nats-server ${RELEASE_VERSION}: 100 %`);
    expect(readFileSync(join(cacheDir, "nats-server"), "utf8")).toBe(program(`v${RELEASE_VERSION}`));
    expect(readdirSync(cacheDir)).toEqual(["nats-server"]);
    files.clear();
    expect(await obtain()).toBe(join(cacheDir, "nats-server"));
  });

  it("refuses an archive whose sum is not the pinned one", async () => {
    const release = { baseUrl: address(server), pinned: { [MACHINE]: "00ff" } };
    expect(await reasonOf(obtain({ release }))).toMatch(/not the released file: SHA-256 .* expected 00ff/);
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  it("refuses an archive that was changed on its way", async () => {
    files.set(`/v${RELEASE_VERSION}/${NAME}.tar.gz`, Buffer.from("something else"));
    expect(await reasonOf(obtain())).toContain("not the released file");
  });

  it("obtains again what does not work any more", async () => {
    install(cacheDir, "broken");
    expect(await obtain()).toBe(join(cacheDir, "nats-server"));
    expect(told.length).toBeGreaterThan(0);
  });

  it("lets several processes obtain at once", async () => {
    const paths = await Promise.all([obtain(), obtain(), obtain()]);
    expect(new Set(paths)).toEqual(new Set([join(cacheDir, "nats-server")]));
    expect(readdirSync(cacheDir)).toEqual(["nats-server"]);
  });

  it("says that the release is not there", async () => {
    files.clear();
    expect(await reasonOf(obtain())).toMatch(/answers 404/);
  });

  it("says that nobody listens", async () => {
    const release = { baseUrl: `http://127.0.0.1:${await freePort()}` };
    expect(await reasonOf(obtain({ release }))).toMatch(/cannot be reached \(ECONNREFUSED\)/);
  });

  it("gives up soon on a server that does not answer, or stops in the middle", async () => {
    const silent = await serve(() => undefined);
    const halting = await serve((_request, response) => {
      response.writeHead(200, { "content-length": 1000 }).write("half");
    });
    const times = { pinned: { [MACHINE]: "00" }, answerTimeoutMs: 200, idleTimeoutMs: 200 };
    const started = Date.now();
    expect(await reasonOf(obtain({ release: { baseUrl: address(silent), ...times } }))).toMatch(
      /does not answer/,
    );
    expect(await reasonOf(obtain({ release: { baseUrl: address(halting), ...times } }))).toMatch(
      /went silent/,
    );
    expect(Date.now() - started).toBeLessThan(15_000);
    for (const one of [silent, halting]) one.closeAllConnections();
    for (const one of [silent, halting]) one.close();
  });

  it("says what to do when no place has one", async () => {
    const attempt = obtain({ sources: ["path", "cache"] });
    await expect(attempt).rejects.toThrow(/none on the PATH.*FIELDLOG_NATS_URL/s);
  });
});

function install(folder: string, version: string, name = "nats-server"): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, program(version));
  chmodSync(path, 0o755);
  return path;
}

/** The files of a release by their paths on the server. */
function releaseFiles(dir: string, content: string): Map<string, Buffer> {
  mkdirSync(join(dir, NAME));
  writeFileSync(join(dir, NAME, "nats-server"), content);
  execFileSync("tar", ["-czf", join(dir, "release.tar.gz"), "-C", dir, NAME]);
  const archive = readFileSync(join(dir, "release.tar.gz"));
  const sum = createHash("sha256").update(archive).digest("hex");
  const list = `${"0".repeat(64)}  another.tar.gz\n${sum}  ${NAME}.tar.gz\n`;
  return new Map([
    [`/v${RELEASE_VERSION}/${NAME}.tar.gz`, archive],
    [`/v${RELEASE_VERSION}/SHA256SUMS`, Buffer.from(list)],
  ]);
}

async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
