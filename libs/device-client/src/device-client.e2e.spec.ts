import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeviceClient, ProvisioningOperation } from "./index.js";
import { type Json, RealPlatform } from "./real-platform.fixture.js";

const KILLED = fileURLToPath(new URL("../dist/killed-device.fixture.js", import.meta.url));
const NS = "/v1/namespaces/test";

let platform: RealPlatform;

beforeAll(async () => {
  platform = await RealPlatform.start();
  await platform.done("PUT", `${NS}/stream-groups/fruit/streams/apples`, {});
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => platform?.stop());

const stored = (query: string) => platform.list(`${NS}/streams/messages?limit=500&${query}`, "messages");
const connected = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, connectedChanged: (now: boolean) => void (now && resolve()) };
};

describe("devices of the started system", () => {
  it("wait until they are approved, have the id that they are given, and give up when they are cancelled", async () => {
    const shown: ProvisioningOperation[] = [];
    const displayProvisioningOperation = (operation: ProvisioningOperation) => void shown.push(operation);
    const started = platform.device("gate-1", { displayProvisioningOperation });
    const [operation] = await until("it is shown", () => shown.length === 1 && shown);
    const listed = await platform.list("/workspaces/test/provisioning-operations", "provisioningOperations");
    expect(listed).toContainEqual(
      expect.objectContaining({ provisioningOperationId: operation?.id, state: "pending" }),
    );
    await platform.approve(operation as ProvisioningOperation, { deviceId: "gate-2" });
    expect((await started).deviceId).toBe("gate-2");

    // Looked at from the beginning: it may fail before the cancellation is answered.
    const refused = expect(platform.device("gate-3", { displayProvisioningOperation })).rejects.toMatchObject(
      {
        code: "provisioning-cancelled",
      },
    );
    await until("the next is shown", () => shown.length === 2);
    await platform.done("PUT", "/workspaces/test/provisioning-operations/cancel", {
      provisioningOperationId: shown[1]?.id,
    });
    await refused;
  });

  it("have each of 100 messages stored once, although they are killed half way", async () => {
    const client = await platform.device("orchard-1");
    await client.close();
    const own = JSON.stringify({
      ...{ ...platform.options, deviceId: "orchard-1" },
      db: join(platform.dir, "orchard-1.db"),
    });
    let next = 0;
    for (const stopAt of [40, 100]) {
      const child = spawn(process.execPath, ["--no-warnings", KILLED, own, String(next)]);
      const exited = once(child, "exit");
      child.stdout.on("data", (chunk) => {
        const numbers = String(chunk).match(/\d+/g)?.map(Number) ?? [];
        next = Math.max(next, ...numbers.map((number) => number + 1));
        if (next > stopAt) child.kill("SIGKILL");
      });
      await exited;
    }
    await until("all are stored", async () => {
      const messages = await stored("device=orchard-1");
      expect(new Set(messages.map(({ batch, id }) => `${batch}/${id}`)).size).toBe(messages.length);
      return messages.length === 100;
    });
  });

  it("have slices, chunks, ids that are filled in and defaults as a stream has them, and the rest in the dead letters", async () => {
    const auto = { batchPattern: "{dateTime:yyyy}", messagePattern: "{sequenceId}" };
    await platform.done("PUT", `${NS}/stream-groups/fruit/streams/auto`, auto);
    const defaults = { defaultStream: "auto", defaultGroup: true };
    await platform.done("PUT", `${NS}/stream-groups/fruit`, defaults);
    const client = await platform.device("scale-1");
    const apples = client.createStreamSender({ streamGroup: "fruit", stream: "apples" });
    await apples.enqueueMessage("red", { batchId: "b1", batchSliceId: "reds", messageId: "1" });
    await apples.enqueueMessage("green", { batchId: "b1", batchSliceId: "greens", messageId: "2" });
    for (const messageId of ["long-1", "long-2"]) {
      for (const chunkId of ["1", "2", "3", "4"]) {
        await apples.enqueueMessage(chunkId.repeat(3), { batchId: "b1", messageId, chunkId });
      }
      await apples.enqueueMessageCompletion("b1", messageId);
    }
    // Another batch ends the first; ending it once more changes nothing.
    await apples.enqueueMessage("next", { batchId: "b2", messageId: "1" });
    await apples.enqueueBatchCompletion("b1");
    await apples.enqueueBatchCompletion("b2");
    const anywhere = client.createStreamSender();
    for (const text of ["one", "two"]) await anywhere.enqueueMessage(text);
    await apples.enqueueMessage("without ids");
    const pears = client.createStreamSender({ streamGroup: "fruit", stream: "pears" });
    await pears.enqueueMessage("lost", { batchId: "b", messageId: "1" });
    await client.waitEnqueuedMessagesSent();

    const messages = await until("all are stored", async () => {
      const all = await stored("device=scale-1");
      return all.length === 7 && all.every(({ sha256 }) => sha256 !== null) && all;
    });
    const told = messages.map(({ stream, batch, slice, id, chunks }) => [stream, batch, slice, id, chunks]);
    const year = new Date().toISOString().slice(0, 4);
    expect(told).toEqual([
      ["apples", "b1", "reds", "1", expect.any(Number)],
      ["apples", "b1", "greens", "2", expect.any(Number)],
      ["apples", "b1", null, "long-1", 4],
      ["apples", "b1", null, "long-2", 4],
      ["apples", "b2", null, "1", expect.any(Number)],
      ["auto", year, null, expect.any(String), expect.any(Number)],
      ["auto", year, null, expect.any(String), expect.any(Number)],
    ]);
    const long = await platform.bytes(`${NS}/streams/messages/${messages[2]?.["position"]}/data`);
    expect(String(long)).toBe("111222333444");
    await until("both batches are complete", async () => {
      const batches = await platform.list(`${NS}/streams/batches?device=scale-1&stream=apples`, "batches");
      expect(batches.map(({ id, state }) => [id, state]).sort()).toEqual([
        ["b1", "complete"],
        ["b2", "complete"],
      ]);
      return true;
    });
    await until("the rest is set aside", async () => {
      const letters = await platform.list(`${NS}/streams/dead-letters`, "deadLetters");
      const mine = letters.filter(({ device }) => device === "scale-1").map(({ reason }) => reason);
      expect(mine).toEqual(["no-batch", "unknown-stream"]);
      return true;
    });
  });

  it("have properties set from both sides, offline too", async () => {
    const client = await platform.device("porch-1");
    expect(client.desiredProperties).toEqual({ version: 1, properties: {} });
    const desired = "/workspaces/test/devices/porch-1/desired-properties";
    await platform.done("PUT", desired, { rate: { hz: 10, gain: 1 }, old: true });
    await until("they came", () => client.desiredProperties.version === 2);
    await platform.done("PUT", desired, { rate: { hz: 10, gain: 1 } });
    await until("what replaces them came", () => client.desiredProperties.version === 3);
    expect(client.desiredProperties.properties).toEqual({ rate: { hz: 10, gain: 1 } });
    await client.updateReportedProperties({ firmware: "1.2", rate: { hz: 10 } });
    await client.waitReportedPropertiesSent();
    await client.close();
    await platform.done("PATCH", desired, { rate: { gain: null } });
    const again = await platform.device("porch-1");
    await until("what was missed came", () => again.desiredProperties.version === 4);
    expect(again.desiredProperties.properties).toEqual({ rate: { hz: 10 } });
    const [removed, added] = [{ firmware: null }, { serial: "7" }];
    await Promise.all([removed, added].map((patch) => again.patchReportedProperties(patch)));
    await again.waitReportedPropertiesSent();
    const reported = await platform.done("GET", "/workspaces/test/devices/porch-1/reported-properties");
    expect(reported).toMatchObject({ rate: { hz: 10 }, serial: "7" });
    expect(reported).not.toHaveProperty("firmware");
  });

  it("answer what operators call, and get what they are sent, also what was sent while they were away", async () => {
    const { promise, connectedChanged } = connected();
    const failures: unknown[] = [];
    const more = { connectedChanged, failed: (error: unknown) => void failures.push(error) };
    const client = await platform.device("siren-1", more);
    client.onMethod("sound", (payload) => ({ status: 201, body: { sounded: payload } }));
    client.onMethod("break", () => {
      throw new Error("broken");
    });
    await promise;
    const call = (name: string, body?: unknown) =>
      platform.ask("POST", `${NS}/devices/siren-1/methods/${name}`, body);
    const sounded = await until("it is subscribed", async () => {
      const answer = await call("sound", { times: 2 });
      return answer.status === 200 && answer;
    });
    expect(sounded.json).toEqual({ status: 201, payload: { sounded: { times: 2 } } });
    expect((await call("fly")).json).toEqual({ status: 404, payload: { detail: "No handler found" } });
    expect((await call("break")).json).toMatchObject({ status: 500 });
    expect(failures.map(String)).toContain("Error: broken");

    const send = (body: unknown) =>
      platform.done("POST", `${NS}/devices/siren-1/messages?property=unit%3DdB`, body);
    await send({ loud: 1 });
    await client.close();
    await send({ loud: 2 });
    const again = await platform.device("siren-1");
    const got: unknown[] = [];
    let refusals = 0;
    again.onMessage(({ payload, properties }) => {
      if (refusals++ === 0) throw new Error("not now");
      got.push([properties["unit"], JSON.parse(String(Buffer.from(payload)))]);
    });
    await platform.done("POST", "/workspaces/test/devices/siren-1/c2d-messages", { loud: 3 });
    await until("all came", () => got.length === 3);
    expect(got).toEqual([
      ["dB", { loud: 1 }],
      ["dB", { loud: 2 }],
      [undefined, { loud: 3 }],
    ]);
  });

  it("react to each other by events, also to those of while they were away", async () => {
    const [door, lamp] = [await platform.device("front-door"), await platform.device("hall-lamp")];
    const heard: unknown[] = [];
    const hear = ({ payload }: { payload: Uint8Array }) =>
      void heard.push(JSON.parse(String(Buffer.from(payload))));
    await lamp.subscribe("events/front-door/door", hear);
    await door.publishEvent({ name: "door", action: "opened", data: { by: ["hand"] } });
    await until("it is heard", () => heard.length === 1);
    await lamp.close();
    await door.publishEvent({ name: "window", action: "opened" });
    await door.publishEvent({ name: "door", action: "closed" });
    await door.waitEnqueuedMessagesSent();
    const again = await platform.device("hall-lamp");
    await again.subscribe("events/front-door/door", hear);
    await until("the next is heard", () => heard.length === 2);
    expect(heard).toMatchObject([
      { type: "door", action: "opened" },
      { type: "door", action: "closed" },
    ]);
    expect(door.refusedMessages()).toEqual([]);
  });

  it("follow their configuration, measure and log; in a namespace that is disabled they keep what they have", async () => {
    const { access_token: token } = await platform.done("POST", "/users", {
      ...{ user_name: "farmer", password: "12345678" },
    });
    const person = (method: string, path: string, body?: unknown) =>
      platform.done(method, path, body, `Bearer ${token}`);
    const made = await person("POST", "/networks", { network_name: "farm" });
    const farm = String(made["network_identifier"]);
    // That dialect knows devices by UUIDs alone.
    const stable = randomUUID();
    const sensor = `/networks/${farm}/sensors/${stable}`;
    const provisioningToken = await platform.provisioningToken(farm);
    const start = (more = {}) => platform.device(stable, { provisioningToken, ...more }, farm);
    const client = await start();
    expect(client.workspaceId).toBe(farm);

    const seen: unknown[] = [];
    const handler = ({ revision, configuration }: { revision: number; configuration: unknown }) => {
      if (revision === 1) throw new Error("too fast");
      seen.push(configuration);
    };
    await client.onConfiguration(handler);
    await person("POST", `${sensor}/configurations`, { hz: 1 });
    await until("the first is taken over", () => seen.length === 1);
    await person("POST", `${sensor}/configurations`, { hz: 1e6 });
    const outcomes = async () => {
      const rows = (await person("GET", `${sensor}/configurations`)) as unknown as readonly Json[];
      return rows.map(({ revision, success }) => [revision, success]).sort();
    };
    await until("both are acknowledged", async () => {
      expect(await outcomes()).toEqual([
        [0, true],
        [1, false],
      ]);
      return true;
    });
    await client.close();
    await person("POST", `${sensor}/configurations`, { hz: 3 });
    const refused: string[] = [];
    const again = await start({ failed: (error: Error) => refused.push(error.name) });
    await again.onConfiguration(handler);
    await until("what was missed is taken over", () => seen.length === 2);
    expect(seen).toEqual([{ hz: 1 }, { hz: 3 }]);

    const rows = async (what: string) =>
      (await person("GET", `${sensor}/${what}`)) as unknown as readonly Json[];
    const tell = async (celsius: number) => {
      await again.sendMeasurements({ value: { celsius } });
      await again.sendLog({ severity: "warning", message: `${celsius} degrees` });
    };
    const areThere = async (count: number) => {
      await until("they are measured", async () => (await rows("measurements")).length === count);
      await until("they are logged", async () => (await rows("logs")).length === count);
    };
    await tell(11.5);
    await areThere(1);
    await platform.done("POST", `/v1/namespaces/${farm}/disable`, { reason: "unpaid" });
    await until("it is let go, and refused", () => refused.includes("ConnectRefused"));
    await tell(12.5);
    expect(again.pendingMessagesCount).toBe(2);
    await platform.done("POST", `/v1/namespaces/${farm}/enable`);
    await again.waitEnqueuedMessagesSent();
    await areThere(2);
  });

  it("exchange the token of their registration; the old one is good for a while, the one before for none", async () => {
    const provisioningToken = await platform.provisioningToken("test", {
      maxRegistrationTokenLifetime: "01:00:00",
    });
    const tokenOf = (client: DeviceClient) =>
      client.close().then(() => {
        const file = new DatabaseSync(join(platform.dir, "clock-1.db"));
        const row = file.prepare("SELECT value FROM state WHERE name = 'registration'").get();
        file.close();
        return String(JSON.parse(String(row?.["value"])).registration.token);
      });
    const registered = async (token: string) => {
      const body = { connectionStringType: "SharedAccessSignature" };
      return (await platform.ask("PUT", "/devices/register", body, `DeviceToken ${token}`)).status;
    };
    const run = async (forMs: number) => {
      const { promise, connectedChanged } = connected();
      const client = await platform.device("clock-1", { provisioningToken, connectedChanged });
      await promise;
      await sleep(forMs);
      return tokenOf(client);
    };
    const tokens = [await run(0)];
    const now = Date.now;
    // Its clock alone is ahead: each time by more than half of what the newest token has left.
    for (const aheadMs of [31 * 60_000, 50 * 60_000]) {
      vi.spyOn(Date, "now").mockImplementation(() => now() + aheadMs);
      let forMs = 0;
      const exchanged = await until("it is exchanged", async () => {
        forMs += 100;
        const token = await run(forMs);
        return token !== tokens.at(-1) && token;
      });
      tokens.push(exchanged);
    }
    expect(new Set(tokens).size).toBe(3);
    expect([await registered(String(tokens[0])), await registered(String(tokens[1]))]).toEqual([401, 200]);
  });

  it("send payloads that are too large for a message", async () => {
    const client = await platform.device("camera-1");
    const names = { streamGroup: "fruit", stream: "apples" };
    const sender = client.createStreamSender({ ...names, compression: "fastest" });
    const picture = randomBytes(300_000);
    await sender.sendMessage(picture, { batchId: "large", messageId: "1" });
    await until("it is stored", async () => {
      const [message] = await stored("device=camera-1");
      expect(message).toMatchObject({ batch: "large", id: "1", bytes: 300_000 });
      const data = await platform.bytes(`${NS}/streams/messages/${message?.["position"]}/data`);
      return data.equals(picture);
    });
  });

  it("offer what they recorded, and send what somebody asked for", async () => {
    const client = await platform.device("recorder-1");
    await client.close();
    const { secret } = await platform.done("POST", `${NS}/devices/recorder-1/signing-secret`);
    const again = await platform.device("recorder-1", { signingSecret: String(secret) });
    const offer = { sensor: "0", format: "application/octet-stream" };
    await again.offerData({ ...offer, request: 999_999 }, Buffer.from("nobody asked"));
    await platform.done("POST", `${NS}/requests`, { device: "recorder-1", current: true });
    // A clock that is wrong is no reason to lose it.
    const now = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => now() - 86_400_000);
    await again.offerData(offer, Buffer.from("a recording"));
    await again.waitEnqueuedMessagesSent();
    vi.restoreAllMocks();
    await until("it is stored", async () => {
      const readings = await platform.list(`${NS}/readings?device=recorder-1`, "readings");
      expect(readings.filter(({ state }) => state === "stored")).toMatchObject([
        { device: "recorder-1", bytes: 11 },
      ]);
      return true;
    });
    expect(again.refusedMessages().map(({ reason }) => reason)).toEqual(["nobody asked for these data"]);
  });
});
