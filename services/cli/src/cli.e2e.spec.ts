import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spoken, tunnelled } from "./tunnel/tunnelled.fixture.js";

// The command as people start it, against a running system.
const bin = join(import.meta.dirname, "..", "bin", "fieldlog.mjs");
// Secrets of one installation are opened with its key, whatever becomes of its servers.
const settings = { FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64") };
const nextKey = randomBytes(32).toString("base64");
let servers: TestServers;
let system: System;
let log: EventLog;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl();
  system = await startSystem({ inOneProcess: true, natsUrl: servers.nats.url, postgresUrl, settings });
  log = await connectLog({ url: servers.nats.url, name: "cli test" });
});
afterAll(async () => {
  await log?.close();
  await system?.stop();
  await servers?.stop();
});

function start(line: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [bin, ...line.split(" ")], {
    env: {
      PATH: process.env["PATH"],
      FIELDLOG_PUBLIC_URL: system.url,
      FIELDLOG_ADMIN_KEY: system.adminKey,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.out += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.err += chunk;
  });
  return { child, said, end: ended(child, said) };
}

async function ended(child: ChildProcess, said: { out: string; err: string }) {
  const [code] = await once(child, "close");
  return { code: code as number, ...said };
}

async function json(line: string, env?: NodeJS.ProcessEnv) {
  const { code, out, err } = await start(`${line} --json`, env).end;
  expect(err).toBe("");
  expect(code).toBe(0);
  return JSON.parse(out);
}

function pick(device: string, identity: string, occurredAt: number): Uint8Array {
  return toBinary(
    signals.SignalSchema,
    create(signals.SignalSchema, {
      device,
      identity,
      digest: new Uint8Array(8),
      receivedAt: BigInt(occurredAt),
      occurredAt: BigInt(occurredAt),
      body: {
        case: "event",
        value: {
          name: "pick",
          reading: { sensor: "0", sensorType: "accelerometer-3-axis", values: [0.5, 1] },
        },
      },
    }),
  );
}

describe("fieldlog", () => {
  it("generates keys that cred's clients log in with, and lists them by their beginnings", async () => {
    expect((await start("namespaces create attic").end).code).toBe(0);
    const generated = await start("cred gen -n attic --write").end;
    const [, key = ""] = /^Generated API key with write permission: (\w{43})\n$/.exec(generated.out) ?? [];
    const login = await fetch(`${system.url}/auth`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apikey: key }),
    });
    expect(login.status).toBe(201);
    const { out } = await start("cred gen -n attic --list").end;
    expect(out).toBe(`Listing API keys:\n    ${key.slice(0, 8)}… (write)\n`);
  });

  it("makes a namespace, a key for it that works, and ends the key again", async () => {
    expect(await json("namespaces create cellar --open-to-csn")).toMatchObject({ name: "cellar" });
    expect(await json("namespaces settings cellar")).toMatchObject({ openToCsn: true });
    const { namespaces } = await json("namespaces list");
    expect(namespaces.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["default", "test", "cellar"]),
    );

    const made = await json("keys create -n cellar --permission read --name board --expires 1h");
    const listed = await json("keys list -n cellar");
    expect(listed.keys).toMatchObject([{ id: made.id, name: "board", permission: "read" }]);
    expect(JSON.stringify(listed)).not.toContain(made.key);

    const asReader = { FIELDLOG_ADMIN_KEY: made.key };
    expect(await json("devices list -n cellar", asReader)).toMatchObject({ devices: [] });
    const refused = await start("devices list -n default", asReader).end;
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("FIELDLOG_ADMIN_KEY");

    expect((await start(`keys revoke ${made.id} -n cellar`).end).code).toBe(0);
    await until("the revoked key is refused", async () => {
      const { code, err } = await start("devices list -n cellar", asReader).end;
      return code === 1 && err.includes("revoked");
    });
  });

  it("publishes an event, which is there at once", async () => {
    const line = 'events publish Light --action on --value 25 --data {"lux":3} --json';
    const { position } = JSON.parse((await start(line).end).out) as { position: number };
    const { out } = await start(`events tail --from ${position - 1} --no-follow`).end;
    expect(out).toMatch(/Light .* on 25 {2}\{"lux":3\} {2}#\d+\n$/);
    expect((await start("events publish Light --device nobody").end).code).toBe(1);
  });

  it("makes a subscription, shows how far it is, and removes it", async () => {
    const line = 'subscriptions create --name lights --filter {"names":["Light"]} --delivery poll --json';
    const { id } = JSON.parse((await start(line).end).out) as { id: string };
    expect((await start("subscriptions list").end).out).toMatch(new RegExp(`${id} .*lights .*poll .*away`));
    expect((await start(`subscriptions show ${id}`).end).out).toContain('{"names":["Light"]}');
    expect((await start(`subscriptions remove ${id}`).end).out).toContain("Removed");
    expect((await start(`subscriptions show ${id}`).end).code).toBe(1);
    const hook = await start("subscriptions create --webhook https://hooks.example/x").end;
    expect(hook.out).toMatch(/signed with whsec_/);
  });

  it("tails events from now on, as they arrive, and from the beginning", async () => {
    const at = Date.parse("2026-05-01T12:00:00Z");
    await log.signals.append("default", pick("7", "1", at));
    await until("the first event is there", async () => {
      const { out } = await start("events tail --from beginning --no-follow --json").end;
      return out.includes('"pick"');
    });

    const tail = start("events tail");
    // It begins at "now", which is when it has asked for it; what comes after that is shown once.
    for (let n = 2; !tail.said.out.includes("pick"); n++) {
      await log.signals.append("default", pick("8", String(n), at + n));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(n).toBeLessThan(100);
    }
    expect(tail.said.out).toMatch(
      /2026-05-01 12:00:00Z {2}pick {7,}8 .*sensor 0 accelerometer-3-axis 0.5 1 {2}#\d+/,
    );
    expect(tail.said.out).not.toMatch(/pick {7,}7 /);
    tail.child.kill("SIGINT");
    await tail.end;

    const all = await start("events tail --from beginning --no-follow --device 7 --json").end;
    expect(
      all.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ type: "pick", source: "/namespaces/default/devices/7", id: "1" }]);
  });

  it("makes a device that speaks MQTT, and tails messages", async () => {
    const made = await json("devices create boiler");
    expect(made).toEqual({ id: expect.any(String), name: "boiler", secret: expect.any(String) });
    const again = await json(`devices mqtt-password ${made.id}`);
    expect(again.secret).not.toBe(made.secret);
    expect(await json(`devices show ${made.id}`)).toMatchObject({ metadata: { name: "boiler" } });

    const publish = (topic: string) =>
      log.signals.append(
        "default",
        toBinary(
          signals.SignalSchema,
          create(signals.SignalSchema, {
            device: made.id,
            receivedAt: BigInt(Date.now()),
            publication: { topic, qos: 1 },
            body: { case: "message", value: { payload: Buffer.from("on") } },
          }),
        ),
      );
    await publish("boiler/before");
    const tail = start("messages tail --topic boiler/+");
    for (let n = 0; !tail.said.out.includes("after"); n++) {
      await publish("boiler/after");
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(n).toBeLessThan(100);
    }
    tail.child.kill("SIGINT");
    await tail.end;
    expect(tail.said.out).toMatch(new RegExp(`boiler/after {2}on {2}by ${made.id} {2}#\\d+\n`));
    expect(tail.said.out).not.toContain("before");
    const listed = await json("messages list --topic boiler/before");
    expect(listed).toMatchObject({ messages: [{ topic: "boiler/before", payload: "on" }], next: null });
  });

  it("asks a device for what it recorded, and saves what it sent", async () => {
    const { id } = await json("devices create recorder -n test");
    const asked = await json(`requests create -n test --device ${id} --start 10m --note why`);
    expect((await json("requests list -n test --state open")).requests).toMatchObject([
      { id: asked.id, note: "why" },
    ]);
    const authorization = `Bearer ${system.adminKey}`;
    const { start: from, end: to, number: request } = asked;
    const offers = [{ sensor: "0", request, start: from, end: to, format: "text/plain", fileName: "a.txt" }];
    const offered = await fetch(`${system.url}/v1/namespaces/test/devices/${id}/offers`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ offers }),
    });
    const [{ url, reading }] = ((await offered.json()) as { answers: [{ url: string; reading: number }] })
      .answers;
    expect((await fetch(url, { method: "PUT", body: "what it recorded" })).status).toBe(201);
    expect((await json("readings list -n test")).readings).toMatchObject([{ number: reading, bytes: 16 }]);
    expect((await start(`readings show ${reading} -n test`).end).out).toContain("text/plain");
    const folder = mkdtempSync(join(tmpdir(), "fieldlog-cli-"));
    const saved = await start(`readings download ${reading} -n test --output ${join(folder, "b.txt")}`).end;
    expect([saved.code, readFileSync(join(folder, "b.txt"), "utf8")]).toEqual([0, "what it recorded"]);
    rmSync(folder, { recursive: true });
    const other = await json(`requests create -n test --device ${id} --current`);
    expect((await start(`requests withdraw ${other.id} -n test`).end).code).toBe(0);
    expect((await json("requests list -n test --state withdrawn")).requests).toMatchObject([
      { id: other.id },
    ]);
  });

  it("asks a device to sample, shows what waits for it, and takes it back", async () => {
    const { id } = await json("devices create board -n test");
    const asked = await json(`samplings request ${id} -n test --label wave --length 2s --frequency 100`);
    expect(asked).toMatchObject({ state: "queued", place: 1, lengthMs: 2_000, intervalMs: 10 });
    expect((await start(`samplings cancel ${id} ${asked.id} -n test`).end).code).toBe(0);
    expect((await json(`samplings list -n test --device ${id}`)).samplings).toMatchObject([
      { id: asked.id, state: "cancelled" },
    ]);
  });

  it("brings a device's port here, where that is allowed", async () => {
    const device = await tunnelled(system, log, "hut-1");
    const { child, said, end } = start("devices tunnel hut-1 22 -n test --json");
    await until("it listens", () => said.out.includes("listening"));
    const { listening } = JSON.parse(said.out) as { listening: string };
    expect(await spoken(listening, "hello")).toBe("");
    await until("it says why", () => said.err.includes("do not allow remote access"));
    expect((await start("namespaces settings test --remote-access yes").end).code).toBe(0);
    expect(await Promise.all(["hello", "x".repeat(300_000)].map((text) => spoken(listening, text)))).toEqual([
      "22: hello",
      `22: ${"x".repeat(300_000)}`,
    ]);
    child.kill();
    await end;
    device.release();
    expect((await start("devices tunnel hut-1 0").end).code).toBe(2);
  });

  it("says how long what devices reported is kept", async () => {
    expect(await json("namespaces retention test --logs 14")).toEqual({ measurementDays: null, logDays: 14 });
    expect(await json("namespaces retention test")).toEqual({ measurementDays: null, logDays: 14 });
  });

  it("shows how far the read models are, and builds one anew", async () => {
    const { readModels } = await json("read-models status");
    const name: string = readModels.find((model: { name: string }) => model.name.includes("event")).name;
    const before = (await start("events tail --from beginning --no-follow --json").end).out;
    const rebuilt = await start(`read-models rebuild ${name}`).end;
    expect(rebuilt).toMatchObject({ code: 0, out: expect.stringContaining(`Rebuilt ${name}: `) });
    expect((await start("events tail --from beginning --no-follow --json").end).out).toBe(before);

    const unknown = await start("read-models rebuild nothing").end;
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("error:");
  });

  it("finds nothing parked", async () => {
    expect((await start("dead-letters list").end).out).toBe("Nothing is parked.\n");
  });

  it("says what a device that is not there means", async () => {
    const { code, err } = await start("devices show 404").end;
    expect(code).toBe(1);
    expect(err).toContain("devices list");
  });
});

describe("fieldlog backup and restore", () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldlog-backup-"));
  let fresh: TestServers | undefined;
  afterAll(async () => {
    await fresh?.stop();
    rmSync(folder, { recursive: true });
  });

  const call = async (path: string, body?: object) => {
    const answer = await fetch(`${system.url}/v1/namespaces/default/${path}`, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${system.adminKey}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(answer.ok, `${answer.status} ${path}`).toBe(true);
    return (await answer.json()) as {
      id: string;
      next: number;
      position: number;
      events: { data: number }[];
    };
  };
  const send = (data: number) => call("events", { name: "Kept", data });
  const numbers = (events: { data: number }[]) => events.map(({ data }) => data);

  it("brings everything back, for subscribers as well, after log and tables were thrown away", async () => {
    const { id } = await call("subscriptions", { delivery: "poll", filter: { names: ["Kept"] } });
    for (const n of [1, 2, 3]) await send(n);
    const first = await call(`subscriptions/${id}/events?wait=10000&limit=2`);
    expect(numbers(first.events)).toEqual([1, 2]);
    await call(`subscriptions/${id}/events?after=${first.next}&limit=1`);
    await until("its cursor is kept", async () => {
      const { status } = await json(`subscriptions show ${id}`);
      return status.position >= first.next;
    });
    await log.close();

    let sending = true;
    let sent = 3;
    const sender = (async () => {
      while (sending) await send(++sent);
    })();
    await until("signals arrive", () => sent > 10);
    const before = sent - 1;
    const env = { FIELDLOG_NATS_URL: servers.nats.url };
    const backup = await start(`backup ${join(folder, "kept")}`, env).end;
    expect(backup).toMatchObject({ code: 0, out: expect.stringContaining("installation key is not in it") });
    expect(backup.out).not.toContain("Not Fieldlog's");
    sending = false;
    await sender;
    await system.stop();
    await servers.stop();

    fresh = servers = await startServers();
    const postgresUrl = await servers.databaseUrl();
    const there = { FIELDLOG_NATS_URL: servers.nats.url, FIELDLOG_POSTGRES_URL: postgresUrl };
    const restored = await start(`restore ${join(folder, "kept")}`, there).end;
    expect(restored).toMatchObject({ code: 0, out: expect.stringContaining("read-models status") });
    // Begins to exchange the installation's key as well.
    const keys = { FIELDLOG_INSTALLATION_KEY: `${nextKey},${settings.FIELDLOG_INSTALLATION_KEY}` };
    system = await startSystem({
      inOneProcess: true,
      natsUrl: servers.nats.url,
      postgresUrl,
      settings: keys,
    });

    await send(1_000_000);
    const rest: number[] = [];
    for (let next: number | undefined; rest.at(-1) !== 1_000_000; ) {
      const page = await call(`subscriptions/${id}/events?wait=10000${next ? `&after=${next}` : ""}`);
      rest.push(...numbers(page.events));
      next = page.next;
    }
    // From where it was on, each once and in order; and all that was acknowledged before the backup began.
    const kept = rest.slice(0, -1);
    expect(kept).toEqual(kept.map((_, index) => index + 3));
    expect(kept.at(-1)).toBeGreaterThanOrEqual(before);
    const { out } = await start("events tail --from beginning --type Kept --no-follow --json").end;
    expect(out.match(/"Kept"/g)).toHaveLength((kept.at(-1) as number) + 1);
    // What a device sent is encrypted with its key, which is sealed by the installation's.
    const { readings } = await json("readings list -n test");
    await start(`readings download ${readings[0].number} -n test --output ${join(folder, "b.txt")}`).end;
    expect(readFileSync(join(folder, "b.txt"), "utf8")).toBe("what it recorded");
  });

  it("seals everything anew when the installation's key is exchanged", async () => {
    const counted = await json("installation reseal --check");
    const services = ["auth", "subscriptions", "offers", "sampling", "streams"];
    expect(counted.services.map(({ service }: { service: string }) => service)).toEqual(services);
    expect(counted.sealedByOthers).toBeGreaterThan(2);
    const anew = await json("installation reseal");
    expect(anew).toMatchObject({ resealed: counted.sealedByOthers, sealedByOthers: 0 });
    expect((await json("installation reseal")).resealed).toBe(0);
    const { readings } = await json("readings list -n test");
    await start(`readings download ${readings[0].number} -n test --output ${join(folder, "c.txt")}`).end;
    expect(readFileSync(join(folder, "c.txt"), "utf8")).toBe("what it recorded");
  });

  it("refuses to put a backup onto what is there", async () => {
    const there = { FIELDLOG_NATS_URL: servers.nats.url, FIELDLOG_POSTGRES_URL: await servers.databaseUrl() };
    const refused = await start(`restore ${join(folder, "kept")}`, there).end;
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("there is data here already");
    expect(refused.err).toContain("--replace");
  });
});
