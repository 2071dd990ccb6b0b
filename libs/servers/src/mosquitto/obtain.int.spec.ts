import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultCacheDir } from "../cache-dir.js";
import { environment } from "../process/environment.js";
import { PortTaken } from "../process/ports.js";
import { run } from "../process/run.js";
import { type Mosquitto, obtainMosquitto } from "./obtain.js";

describe("Mosquitto on this machine", () => {
  let dir: string;
  let mosquitto: Mosquitto | undefined;
  const told: string[] = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-mosquitto-"));
    const progress = (line: string) => told.push(line);
    mosquitto = await obtainMosquitto({ cacheDir: defaultCacheDir(), progress });
  }, 120_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it("is there, or it is said why not", () => {
    if (mosquitto) expect(mosquitto.version).toMatch(/^\d+\.\d+/);
    else expect(told.at(-1)).toContain("no Mosquitto on this machine");
  });

  it("is found again without asking anybody", async () => {
    const later: string[] = [];
    const again = await obtainMosquitto({
      cacheDir: defaultCacheDir(),
      progress: (line) => later.push(line),
    });
    expect(again?.version).toBe(mosquitto?.version);
    if (mosquitto) expect(later).toEqual([]);
  }, 120_000);

  it("carries a message from its publisher to its subscriber", async () => {
    if (!mosquitto) return;
    const broker = await mosquitto.broker({ dataDir: join(dir, "broker") });
    try {
      const { pub, sub } = mosquitto;
      const address = ["-h", "127.0.0.1", "-p", String(broker.port), "-q", "1", "-t", "hello/world"];
      await run(pub.command, [...address, "-r", "-m", "salve"], { env: pub.env });
      const subscriber = spawn(sub.command, [...address, "-C", "1"], { env: environment(sub.env) });
      let said = "";
      subscriber.stdout.on("data", (chunk) => (said += chunk));
      await once(subscriber, "close");
      expect(said).toBe("salve\n");
      await expect(mosquitto.broker({ dataDir: join(dir, "second"), port: broker.port })).rejects.toEqual(
        new PortTaken("Mosquitto", broker.port),
      );
    } finally {
      await broker.stop();
    }
    expect(broker.pid).toBe(0);
  });

  it("replaces kept programs that do not run", async () => {
    if (!mosquitto?.pub.command.startsWith(defaultCacheDir())) return;
    const cacheDir = join(dir, "cache");
    await mkdir(join(cacheDir, "mosquitto/usr/sbin"), { recursive: true });
    await writeFile(join(cacheDir, "mosquitto/usr/sbin/mosquitto"), "broken");
    const later: string[] = [];
    const progress = (line: string) => later.push(line);
    const again = await obtainMosquitto({ cacheDir, progress, searchPath: "" });
    if (again) expect(again.pub.command.startsWith(cacheDir)).toBe(true);
    else expect(later.at(-1)).toContain("no Mosquitto on this machine");
  }, 120_000);
});
