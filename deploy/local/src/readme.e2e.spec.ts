import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "@fieldlog/servers";
import { anyGrpcPorts, temporaryDir, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "./mosquitto-pub.fixture.js";

const root = join(import.meta.dirname, "..", "..", "..");
const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/```sh\n([\s\S]*?)```/g)];
const commands = blocks.flatMap(([, block = ""]) => block.split("\n").filter((line) => line.trim() !== ""));

let dataDir: string;
let port: number;
let mqttPort: number;
let started: ChildProcess | undefined;
let shown = "";

/** As written, but on a port and in a data directory of the test's own, and with few stations. */
const here = (command: string) =>
  command
    .replace(/\s+#.*$/, "")
    .replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`)
    .replaceAll("-p 1883", `-p ${mqttPort}`)
    .replaceAll(".fieldlog/", `${dataDir}/`);

const environment = () => ({
  ...process.env,
  ...anyGrpcPorts,
  FIELDLOG_DATA_DIR: dataDir,
  FIELDLOG_HTTP_PORT: String(port),
  FIELDLOG_MQTT_PORT: String(mqttPort),
  ...Object.fromEntries(
    ["HTTPS", "MQTTS", "MQTT_WS", "MQTT_WSS", "WS", "WSS"].map((name) => [`FIELDLOG_${name}_PORT`, "0"]),
  ),
});

/** Does what it says where a service of a machine that other tests keep busy takes too long, a few times. */
async function run(command: string, triesLeft = 5): Promise<string> {
  const env = { ...environment(), FIELDLOG_PUBLIC_URL: `http://127.0.0.1:${port}` };
  try {
    const { stdout } = await promisify(execFile)("bash", ["-ec", here(command)], { cwd: root, env });
    return stdout;
  } catch (error) {
    const [, seconds] = /^Try again in (\d+) s\.$/m.exec((error as { stderr?: string }).stderr ?? "") ?? [];
    if (seconds === undefined || triesLeft === 0) throw error;
    await sleep(Number(seconds) * 1_000);
    return run(command, triesLeft - 1);
  }
}

beforeAll(async () => {
  dataDir = await temporaryDir();
  [port, mqttPort] = [await freePort(), await freePort()];
});

afterAll(async () => {
  started?.kill("SIGINT");
  if (started?.exitCode === null) await new Promise((resolve) => started?.once("exit", resolve));
});

describe("the README", { retry: 0 }, () => {
  it("names the commands that this test knows", () => {
    expect(commands.map((command) => command.split(/\s+/).slice(0, 3).join(" "))).toEqual([
      "npm start --",
      "npm test #",
      'curl -H "Authorization:',
      "mosquitto_pub -h 127.0.0.1",
      'curl -H "Authorization:',
      "npx fieldlog events",
      "npx fieldlog events",
      "npx fieldlog devices",
      "npx fieldlog keys",
      "npx fieldlog read-models",
      "npx fieldlog requests",
      "npx fieldlog readings",
      "npx fieldlog keys",
      "npx fieldlog samples",
      "npx fieldlog provisioning",
      "npx fieldlog namespaces",
      "npm run bench",
      "npm run bench",
    ]);
  });

  it("starts Fieldlog with its first command; earthquakes and weather arrive", async () => {
    const [start = ""] = commands;
    started = spawn("bash", ["-ec", `exec ${here(start)}`], { cwd: root, env: environment() });
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        shown += text;
      });
    }
    const shows = async (what: string, line: RegExp) => {
      const isThere = () => line.test(shown) || started?.exitCode !== null;
      await until(what, isThere, 180_000).catch((error: Error) => {
        throw new Error(`${error.message}; it said:\n${shown}`);
      });
      if (!line.test(shown)) throw new Error(`it has ended before ${what}:\n${shown}`);
    };
    await shows("an earthquake", /M \d\.\d .*stations/);
    await shows("the weather", /°C .*12 sensors .*acknowledged/);
    expect(shown).toContain(`http://127.0.0.1:${port}`);
    expect(shown).toContain(`mqtt://127.0.0.1:${mqttPort}`);
  }, 400_000);

  it.each(commands.filter((command) => command.startsWith("mosquitto_pub")))("runs: %s", async (command) => {
    await publish(here(command));
  });

  it.each(commands.filter((command) => /^(curl|npx)/.test(command)))("runs: %s", async (command) => {
    expect((await run(command)).length).toBeGreaterThan(20);
  });

  it("stops at Ctrl-C with 0", async () => {
    started?.kill("SIGINT");
    await until("it has ended", () => started?.exitCode !== null);
    expect(started?.exitCode).toBe(0);
  });

  it("leads only to files that exist", () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
    expect(links.length).toBeGreaterThan(20);
    for (const link of links.filter((each) => !each.includes(":"))) {
      expect(() => readFileSync(join(root, link)), link).not.toThrow(/ENOENT/);
    }
  });
});
