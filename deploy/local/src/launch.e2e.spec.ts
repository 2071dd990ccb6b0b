import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get, type RequestOptions } from "node:https";
import { join } from "node:path";
import { SERVICES } from "@fieldlog/processes";
import { removeCluster } from "@fieldlog/servers";
import { temporaryDir, until } from "@fieldlog/testkit";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminKey, anyPorts, freePorts, launch, PORTS, type Run } from "./launched.fixture.js";
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

  it("refuses the log of one NATS server to three, and says what to do", async () => {
    const three = start({}, ["--processes"]);
    expect(await three.ends()).toBe(1);
    expect(three.output()).toContain("start it without --processes, or with --processes --nats 1.");
  });

  it("puts no backup onto what is there, nor anything that is none, and says what to do", async () => {
    const restoring = start({}, ["--restore", dir]);
    expect(await restoring.ends()).toBe(1);
    expect(restoring.output()).toContain("holds no manifest.json");
    expect(restoring.output()).toContain("Only an empty data directory takes a backup");
  });

  const namespaces = (key: string, init: RequestInit) =>
    fetch(`http://127.0.0.1:${port}/v1/namespaces`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    });
});

describe("npm start -- --processes", () => {
  const replicas = ["--processes", "--replicas", "edge-http=2"];
  let dir: string;
  let settings: Record<string, string>;
  let run: Run;
  let key: string;

  beforeAll(async () => {
    dir = await temporaryDir();
    settings = { ...anyPorts, FIELDLOG_OPS_PORT: "", FIELDLOG_DATA_DIR: join(dir, "data") };
    settings["FIELDLOG_BIND"] = "0.0.0.0";
    run = launch(settings, replicas);
    await run.says("Ctrl-C stops.");
    key = adminKey(run);
  }, 300_000);
  afterAll(async () => {
    run?.child.kill("SIGKILL");
    await until("the data directory is free", () =>
      removeCluster(join(dir, "data", "postgres")).then(() => true),
    );
    await until("it can be removed", () => removeCluster(dir).then(() => true));
  });

  /** What the launcher printed of each process: its number, the operator's port, where it is reached. */
  const listed = () => {
    const lines = run.output().matchAll(/^ {2}(\S+) +(\d+) +ready +(http:\S+) +(.+)$/gm);
    return new Map([...lines].map(([, name = "", pid, ops, at]) => [name, { pid: Number(pid), ops, at }]));
  };
  const doors = () => ["edge-http", "edge-http-2"].map((name) => listed().get(name)?.at?.split(" ")[0] ?? "");
  const asked = (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" } });

  it("has a process of each service, two where asked, each ready at its own operator's port", async () => {
    expect([...listed().keys()].sort()).toEqual([...SERVICES, "edge-http-2"].sort());
    expect(new Set([...listed().values()].map(({ pid }) => pid)).size).toBe(SERVICES.length + 1);
    for (const { ops } of listed().values()) expect((await fetch(`${ops}/readyz`)).status).toBe(200);
  });

  it("opens its doors to others where it is told to, and not what operators ask", async () => {
    const elsewhere = (url = "") => fetch(`${url.replace("127.0.0.1", "127.0.0.2")}/readyz`);
    const { at, ops } = listed().get("edge-http") ?? {};
    expect((await elsewhere(at?.split(" ")[0])).status).toBe(200);
    await expect(elsewhere(ops)).rejects.toThrow("fetch failed");
  });

  it("keeps three copies of the log, on three NATS servers", async () => {
    const monitor = /monitoring (http:\S+)/.exec(run.output())?.[1];
    const answer = await fetch(`${monitor}/jsz?streams=true&config=true`);
    const jsz = (await answer.json()) as { account_details: { stream_detail: Stream[] }[] };
    const streams = jsz.account_details.flatMap((account) => account.stream_detail);
    const copies = streams.filter(({ name }) => name === "SIGNALS" || name === "REGISTRY");
    expect(copies.map(({ config }) => config.num_replicas)).toEqual([3, 3]);
  });

  it("takes an event at one door and gives it out at the other", async () => {
    const [first = "", second = ""] = doors();
    const event = { specversion: "1.0", id: "1", source: "urn:example", type: "org.example.crossing" };
    const sent = await asked(`${first}/v1/namespaces/test/events`, {
      ...{ method: "POST", body: JSON.stringify(event) },
    });
    expect(sent.status).toBeLessThan(300);
    await until("it can be read at the other door", async () => {
      const answer = await asked(`${second}/v1/namespaces/test/events?type=org.example.crossing`);
      return answer.ok && ((await answer.json()) as { events: unknown[] }).events.length === 1;
    });
  });

  it("starts again what is killed, a service or a NATS server, on its ports, and says so", async () => {
    const { pid = Number.NaN } = listed().get("edge-http-2") ?? {};
    expect(pid).toBeGreaterThan(1);
    process.kill(pid, "SIGKILL");
    const nats = Number(/nats-2 runs \(process (\d+)\)/.exec(run.output())?.[1]);
    expect(nats).toBeGreaterThan(1);
    process.kill(nats, "SIGKILL");
    await run.says("edge-http-2: ended (SIGKILL); it is started again in 0.5 s");
    await run.says("nats-2 ended (SIGKILL); it is started again in 0.5 s");
    await run.says("nats-2 is ready again");
    await run.says("edge-http-2 is ready again");
    const answer = await asked(`${doors()[1]}/v1/namespaces/test/events`);
    expect(answer.status).toBe(200);
    const log = readFileSync(join(dir, "data", "logs", "edge-http-2.log"), "utf8");
    expect(log).toContain('"msg":"ended (SIGKILL); it is started again in 0.5 s"');
  });

  it("leaves nothing running after a Ctrl-C", async () => {
    const numbers = [...run.output().matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
    // Services, NATS and PostgreSQL, and the two that came again.
    expect(numbers.length).toBe(SERVICES.length + 1 + 3 + 1 + 2);
    run.child.kill("SIGINT");
    expect(await run.ends()).toBe(0);
    expect(numbers.filter(isThere)).toEqual([]);
  });

  it("refuses the log of three servers to one, and says what to do", async () => {
    const one = launch(settings, []);
    expect(await one.ends()).toBe(1);
    expect(one.output()).toMatch(/is kept by three NATS servers: start it with --processes\./);
  });
});

interface Stream {
  name: string;
  config: { num_replicas: number };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function statusOf(options: RequestOptions): Promise<number | undefined> {
  const asked = get(options);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
