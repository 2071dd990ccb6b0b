import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Platform } from "./platform.fixture.js";

const built = (file: string) => fileURLToPath(new URL(`../dist/${file}`, import.meta.url));

describe("a device in a process of its own", () => {
  let dir: string;
  let platform: Platform;
  const processes: ChildProcessWithoutNullStreams[] = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-device-process-"));
    platform = await Platform.start(join(dir, "tls"));
    await writeFile(join(dir, "ca.pem"), platform.certificate);
  });
  afterAll(async () => {
    for (const child of processes) child.kill("SIGKILL");
    await platform.close();
    await rm(dir, { recursive: true });
  });

  const run = (script: string, args: readonly string[] = [], settings: Record<string, string> = {}) => {
    const env = { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: join(dir, "ca.pem"), ...settings };
    const child = spawn(process.execPath, ["--no-warnings", script, ...args], { cwd: dir, env });
    processes.push(child);
    return child;
  };
  /** Of a program that ends by itself: what it said, and its exit code. */
  const outcome = async (child: ChildProcessWithoutNullStreams) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    const [code] = await once(child, "exit");
    return { output, code };
  };
  const written = async (name: string, script: string) => {
    await writeFile(join(dir, name), script.replace("@fieldlog/device-client", built("index.js")));
    return name;
  };

  /** The options of the device that is killed, in a file of its own. */
  const optionsOf = (db: string) => {
    const { provisioningToken, instance, mqttPort, certificate: ca } = platform;
    const backOff = { firstMs: 5, mostMs: 50 };
    return JSON.stringify({
      ...{ deviceId: "cellar-7", db, approvalPollMs: 10, backOff },
      ...{ provisioningToken, instance, mqttPort, ca },
    });
  };
  /** Runs it from a message on, watched. Resolves with the first message that it has not told to be stored. */
  const runKilled = async (
    { db, from }: { db: string; from: number },
    watch: (child: ChildProcessWithoutNullStreams, next: number) => void,
  ) => {
    const child = run(built("killed-device.fixture.js"), [optionsOf(db), String(from)]);
    const exited = once(child, "exit");
    let [output, complaints, next] = ["", "", from];
    child.stderr.on("data", (chunk) => {
      complaints += chunk;
    });
    child.stdout.on("data", (chunk) => {
      output += chunk;
      const lines = output.split("\n").slice(0, -1);
      next = Math.max(next, Number(lines.filter((line) => /^\d+$/.test(line)).at(-1) ?? -1) + 1);
      watch(child, next);
    });
    watch(child, next);
    await exited;
    expect(complaints).toBe("");
    return { next, isDone: output.endsWith("done\n") };
  };
  const arrived = () => {
    const ids = [...platform.taken.values()].map(
      ({ topic }) => /batch-id=.*message-id=[^&]+/.exec(topic)?.[0],
    );
    return [platform.taken.size, new Set(ids).size];
  };

  it("has each of 100 messages arrive once, although it is killed again and again", {
    retry: 0,
  }, async () => {
    platform.taken.clear();
    let next = 0;
    for (const stopAt of [23, 24, 61, 100]) {
      // With what it sends under way, and acknowledgments not yet written down.
      const ended = await runKilled({ db: "device.db", from: next }, (child, reached) => {
        if (reached > stopAt) child.kill("SIGKILL");
      });
      next = ended.next;
      expect(ended.isDone).toBe(stopAt === 100);
    }
    expect(arrived()).toEqual([100, 100]);
  });

  it("has each of 100 messages arrive once, killed at any moment", { retry: 0 }, async () => {
    platform.taken.clear();
    const told: string[] = [];
    let [next, isDone] = [0, false];
    for (let round = 0; !isDone; round++) {
      // From before it opens its file to after it has sent all; the last round is left alone.
      const afterMs = round < 8 ? Math.floor(Math.random() * 500) : undefined;
      const timers: NodeJS.Timeout[] = [];
      const ended = await runKilled({ db: "random.db", from: next }, (child) => {
        if (afterMs === undefined || timers.length > 0) return;
        timers.push(setTimeout(() => child.kill("SIGKILL"), afterMs));
      });
      for (const timer of timers) clearTimeout(timer);
      ({ next, isDone } = ended);
      told.push(`after ${afterMs} ms at ${next}`);
    }
    expect(arrived(), told.join(", ")).toEqual([100, 100]);
  });

  it("is ten lines, as its README shows", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, example = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    const at = `instance: "${platform.instance}", mqttPort: ${platform.mqttPort}`;
    const script = example
      .replace("pt_…", platform.provisioningToken)
      .replace("device.db", "readme.db")
      .replace('instance: "fieldlog.example"', at);
    platform.taken.clear();
    const { output, code } = await outcome(run(await written("readme.mjs", script)));
    expect(output).toMatch(/^Approve provisioning operation .*, verification code K7QP-3M4X until/);
    expect(code).toBe(0);
    expect([...platform.taken.values()].map(({ payload }) => String(payload))).toEqual(['{"celsius":11.5}']);
  });

  it("runs the examples", async () => {
    const settings = {
      ...{ FIELDLOG_INSTANCE: platform.instance, FIELDLOG_PROVISIONING_TOKEN: platform.provisioningToken },
      ...{ FIELDLOG_MQTTS_PORT: String(platform.mqttPort), READINGS: "3" },
    };
    platform.taken.clear();
    platform.desired = { version: 2, properties: { intervalMs: 2 } };
    for (const name of ["weather-station.mjs", "door.mjs"]) {
      const script = await readFile(new URL(`../../../examples/${name}`, import.meta.url), "utf8");
      const { output, code } = await outcome(run(await written(name, script), [], settings));
      expect([code, output]).toEqual([0, expect.stringContaining("Approve")]);
    }
    expect(platform.reported.properties).toMatchObject({ model: "roof-1" });
    const topics = [...platform.taken.values()].map(({ topic }) => topic.replace(/.*(batch-id).*/, "$1"));
    expect(topics).toEqual([
      ...["batch-id", "batch-id", "batch-id"],
      ...["events/front-door/door", "events/hall-lamp/lamp"],
    ]);
  });
});
