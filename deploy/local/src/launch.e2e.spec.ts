import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get, type RequestOptions } from "node:https";
import { join } from "node:path";
import { freePort, removeCluster } from "@fieldlog/servers";
import { anyGrpcPorts, compileCache, LAUNCHER, programOf, temporaryDir, until } from "@fieldlog/testkit";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inShell, publish } from "./mosquitto-pub.fixture.js";

describe("npm start's launcher", { retry: 0 }, () => {
  let dir: string;
  let dataDir: string;
  let first: Run;
  let port: number;
  let ports: Record<string, string>;
  const runs: Run[] = [];
  const start = (settings: Record<string, string> = {}, args: string[] = []) => {
    const run = launch({ FIELDLOG_DATA_DIR: dataDir, ...ports, ...settings }, args);
    runs.push(run);
    return run;
  };

  beforeAll(async () => {
    dir = await temporaryDir();
    dataDir = join(dir, "data");
    ports = await freePorts();
    port = Number(ports["FIELDLOG_HTTP_PORT"]);
    first = start();
    await first.says("Ctrl-C stops.");
  });
  afterAll(async () => {
    for (const run of runs) run.child.kill("SIGKILL");
    // The guards of a killed launcher's servers need a moment.
    await until("the data directory is free", () =>
      removeCluster(join(dataDir, "postgres")).then(() => true),
    );
    await until("it can be removed", () => removeCluster(dir).then(() => true));
  });

  it("prints the admin key once, how durable it is, and a command to try", () => {
    expect(first.output()).toMatch(/Admin key {2}fl_[\w-]{43}\n/);
    expect(first.output()).toContain("flushed to disk before every acknowledgement");
    expect(first.output()).toContain(`curl -H "Authorization: Bearer $(cat ${dataDir}/secrets/admin-key)"`);
  });

  it("answers at once: alive, ready, and to the admin key", async () => {
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true }]);
    const events = await fetch(`http://127.0.0.1:${port}/v1/namespaces/default/events`, {
      headers: { authorization: `Bearer ${adminKey(first)}` },
    });
    expect([events.status, await events.json()]).toEqual([200, { events: [], next: null }]);
  });

  it("keeps its secrets where only their owner reads, and out of its logs", async () => {
    const modes = ["admin-key", "internal-token", "installation-key"].map(
      (name) => statSync(join(dataDir, "secrets", name)).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it("serves HTTPS with a certificate of its own authority, whose file it names", async () => {
    const file = /trust the authority in (\S+)/.exec(first.output())?.[1] ?? "";
    expect(file).toBe(join(dataDir, "tls", "ca.pem"));
    const at = { host: "127.0.0.1", port: ports["FIELDLOG_HTTPS_PORT"], path: "/healthz" };
    expect(await statusOf({ ...at, ca: readFileSync(file) })).toBe(200);
    await expect(statusOf(at)).rejects.toThrow(/certificate/);
  });

  it("prints how to publish over MQTT and to read that back, and both work as printed", async () => {
    const line = (program: string) => new RegExp(`^  (${program} .*)$`, "m").exec(first.output())?.[1] ?? "";
    expect(line("mosquitto_pub")).toContain(
      `-u default -P "$(cat ${dataDir}/secrets/admin-key)" -q 1 -t hello/world`,
    );
    await publish(line("mosquitto_pub"));
    const messages = await until("the message is read back", async () => {
      const answer = JSON.parse(await inShell(line("curl"))) as { messages: unknown[] };
      return answer.messages.length > 0 && answer.messages;
    });
    expect(messages).toMatchObject([{ topic: "hello/world" }]);
    expect(JSON.stringify(messages)).toMatch(/"hello"/);
  }, 120_000);

  it("takes MQTT over TLS, by the same certificate, and over WebSocket", async () => {
    const ca = readFileSync(join(dataDir, "tls", "ca.pem"));
    const login = { username: "default", password: adminKey(first), reconnectPeriod: 0 };
    const at = (name: string) => `127.0.0.1:${ports[`FIELDLOG_${name}_PORT`]}`;
    const secure = await connectAsync(`mqtts://${at("MQTTS")}`, { ...login, ca });
    const web = await connectAsync(`ws://${at("MQTT_WS")}`, login);
    expect([secure.connected, web.connected]).toEqual([true, true]);
    await Promise.all([secure.endAsync(), web.endAsync()]);
    await expect(connectAsync(`mqtts://${at("MQTTS")}`, login)).rejects.toThrow(/certificate/);
    await expect(connectAsync(`mqtt://${at("MQTT")}`, { reconnectPeriod: 0 })).rejects.toThrow(
      /authori[sz]ed/i,
    );
  });

  it("refuses the same data directory to a second one, and says who has it", async () => {
    const second = start(anyPorts);
    expect(await second.ends()).toBe(1);
    expect(second.output()).toContain(`(process ${first.child.pid}) already runs on ${dataDir}`);
  });

  it("names the setting of each port that is taken", async () => {
    const FIELDLOG_DATA_DIR = join(dir, "other");
    const one = start({ ...anyPorts, FIELDLOG_DATA_DIR, FIELDLOG_HTTP_PORT: String(port) });
    expect(await one.ends()).toBe(1);
    expect(one.output()).toMatch(
      new RegExp(`port ${port} is in use .*another port: FIELDLOG_HTTP_PORT=\\d+ npm start`),
    );
    const all = start({ FIELDLOG_DATA_DIR });
    expect(await all.ends()).toBe(1);
    expect(all.output()).toMatch(new RegExp(`choose others: ${PORTS.join("=\\d+ ")}=\\d+ npm start`));
  });

  it("names a setting that does not exist, and an argument that means nothing", async () => {
    const setting = start({ FIELDLOG_HTP_PORT: "1" });
    expect(await setting.ends()).toBe(1);
    expect(setting.output()).toContain(
      "FIELDLOG_HTP_PORT is not a setting; did you mean FIELDLOG_HTTP_PORT?",
    );
    const argument = start({}, ["--demmo"]);
    expect(await argument.ends()).toBe(1);
    expect(argument.output()).toContain("Try: npm start -- --help");
  });

  it("has its namespaces, key and data again after a Ctrl-C and a second start", async () => {
    const key = adminKey(first);
    const made = await namespaces(key, { method: "POST", body: JSON.stringify({ name: "kept" }) });
    expect(made.status).toBe(201);
    first.child.kill("SIGINT");
    expect(await first.ends()).toBe(0);

    const second = start();
    await second.says("Ctrl-C stops.");
    expect(second.output()).toContain(`in ${dataDir}/secrets/admin-key`);
    expect(second.output()).not.toContain(key);
    const events = await fetch(`http://127.0.0.1:${port}/v1/namespaces/kept/events`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(events.status).toBe(200);
    first = second;
  });

  it("starts again after a kill -9", async () => {
    first.child.kill("SIGKILL");
    await first.ends();
    const next = start();
    await next.says("Ctrl-C stops.");
    next.child.kill("SIGTERM");
    expect(await next.ends()).toBe(0);
  });

  const namespaces = (key: string, init: RequestInit) =>
    fetch(`http://127.0.0.1:${port}/v1/namespaces`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    });
});

const PORTS = ["HTTP", "HTTPS", "MQTT", "MQTTS", "MQTT_WS", "MQTT_WSS", "WS", "WSS"].map(
  (name) => `FIELDLOG_${name}_PORT`,
);
const anyPorts = { ...anyGrpcPorts, ...Object.fromEntries(PORTS.map((name) => [name, "0"])) };

async function freePorts(): Promise<Record<string, string>> {
  const ports = new Set<number>();
  while (ports.size < PORTS.length) ports.add(await freePort());
  return {
    ...anyGrpcPorts,
    ...Object.fromEntries([...ports].map((port, index) => [PORTS[index], String(port)])),
  };
}

async function statusOf(options: RequestOptions): Promise<number | undefined> {
  const asked = get(options);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

const adminKey = (run: Run) => /fl_[\w-]{43}/.exec(run.output())?.[0] ?? "";

interface Run {
  child: ChildProcess;
  output(): string;
  /** Resolves when the text was printed; raises when the process ends before. */
  says(text: string): Promise<void>;
  /** The exit code. */
  ends(): Promise<number | null>;
}

function launch(settings: Record<string, string>, args: string[]): Run {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [programOf(LAUNCHER), ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE: compileCache(), ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    output: () => output,
    says: (text) =>
      until(
        `the launcher says "${text}"`,
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
          return output.includes(text);
        },
        90_000,
      ).then(() => undefined),
    ends: () => ended,
  };
}
