import { limits } from "@fieldlog/contracts";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { encode } from "cborg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Api, type Json } from "../client.fixture.js";
import { JsonDevice } from "./json-device.fixture.js";
import { Browser, Onlooker, picture } from "./looking.fixture.js";

let servers: TestServers;
let system: System;
let api: Api;
let apiKey: string;
const open: { readonly socket: { terminate(): void } }[] = [];
const browsers: Browser[] = [];

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("views");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  api = new Api(system);
  apiKey = (await api.key("write", { kind: "edge-impulse" })).key;
});
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate();
  for (const browser of browsers.splice(0)) await browser.leave();
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function device(deviceId: string, more: Json = {}): Promise<JsonDevice> {
  const came = await JsonDevice.present(system.wsUrl, {
    ...{ version: 4, mode: "ingestion", apiKey, deviceId, deviceType: "LINUX", connection: "ip" },
    ...{ sensors: [{ name: "Camera (320x240)", frequencies: [], maxSampleLengthS: 60_000 }] },
    ...{ supportsSnapshotStreaming: true, ...more },
  });
  open.push(came);
  return came;
}
const pathOf = (id: string) => `namespaces/test/devices/${id}`;
const streamOf = (id: string) => `${system.url}/v1/${pathOf(id)}/snapshots/stream`;
const shown = (n: number, bytes?: number) => ({ snapshotFrame: picture(n, bytes).toString("base64") });

async function looking(url: string, key?: string): Promise<Browser> {
  const browser = await Browser.at(url, key);
  browsers.push(browser);
  return browser;
}

/** Its events of the names that begin so, in order, with their data. */
async function eventsOf(id: string, beginning: RegExp): Promise<[type: string, data: Json][]> {
  const { json } = await api.call("GET", `namespaces/test/events?device=${id}&limit=100`);
  const events = (json["events"] ?? []) as Json[];
  return events
    .map(({ type, data }): [string, Json] => [String(type), (data ?? {}) as Json])
    .filter(([type]) => beginning.test(type));
}

describe("snapshots", () => {
  it("are seen by all who look, by HTTP and WebSocket, and the camera stops when the last one leaves", async () => {
    const eye = await device("eye");
    const { json } = await api.call("POST", `${pathOf("eye")}/snapshots`, {});
    await until("told to start", () => eye.of("startSnapshot").length === 1);
    eye.say({ snapshotStarted: true });
    const onlooker = new Onlooker(String(json["webSocketUrl"]));
    open.push(onlooker);
    const all = [
      onlooker,
      await looking(String(json["streamUrl"])),
      await looking(streamOf("eye"), system.adminKey),
    ];
    let n = 0;
    await until("all see", () => {
      eye.say(shown(++n));
      return all.every(({ seen }) => seen.length >= 3);
    });
    for (const { seen } of all) expect(seen).toEqual([...seen].sort((a, b) => a - b));

    for (const bad of ["", "%%%", Buffer.from("GIF89a").toString("base64"), 7])
      eye.say({ snapshotFrame: bad });
    await until("it hears of what is no picture", () => eye.of("err").length === 4);
    const { length } = onlooker.seen;
    eye.say(shown(++n));
    await until("the others never noticed", () => onlooker.seen.length > length);

    onlooker.socket.close();
    for (const browser of browsers.splice(0)) await browser.leave();
    await until("told to stop", () => eye.of("stopSnapshot").length === 1);
    eye.say({ snapshotStopped: true });
    const told = async () => (await eventsOf("eye", /^Snapshot|Frame/)).map(([type]) => type);
    await until("told", async () => (await told()).length === 2);
    expect(await told()).toEqual(["SnapshotStarted", "SnapshotStopped"]);
    expect(eye.of("startSnapshot")).toEqual([{ startSnapshot: true }]);
  });

  it("that are stopped end for all who look", async () => {
    const eye = await device("watched");
    const browser = await looking(streamOf("watched"), system.adminKey);
    await until("told to start", () => eye.of("startSnapshot").length === 1);
    eye.say({ snapshotStarted: true });
    expect((await api.call("DELETE", `${pathOf("watched")}/snapshots`)).status).toBe(204);
    await until("told to stop", () => eye.of("stopSnapshot").length === 1);
    await until("ended", () => browser.ended);
  });

  it("show a slow viewer the newest picture, and cost the others nothing", async () => {
    const eye = await device("fast");
    const slow = new Onlooker(await urlOf("fast"));
    const quick = new Onlooker(await urlOf("fast"));
    open.push(slow, quick);
    await until("told to start", () => eye.of("startSnapshot").length === 1);
    await until("both see", () => {
      eye.say(shown(0));
      return slow.seen.length > 0 && quick.seen.length > 0;
    });
    slow.socket.pause();
    const sizes = 500_000;
    let n = 0;
    await until("more than any socket takes", () => {
      const isSeen = (quick.seen.at(-1) ?? 0) === n;
      if (isSeen && n < 40) eye.say(shown(++n, sizes));
      return isSeen && n === 40;
    });
    slow.socket.resume();
    await until("the newest has come", () => slow.seen.at(-1) === 40);
    expect(new Set(slow.seen).size).toBeLessThan(30);
  });

  it("are for who has a token or a key that is still good", async () => {
    await device("private");
    const reader = await api.key("read");
    const writer = await api.key("write");
    await expect(looking(streamOf("private"), reader.key)).rejects.toThrow("403");
    const browser = await looking(streamOf("private"), writer.key);
    await api.call("DELETE", `namespaces/test/api-keys/${writer.id}`);
    await until("ended", () => browser.ended);
    const stranger = new Onlooker(`${system.wsUrl}/v1/snapshots?token=made-up`);
    await until("closed", () => stranger.closed === 4_401);
    // On a slow machine its time may be over before it is used.
    const [short, onlooker] = await until("in time", async () => {
      const { json } = await api.call("POST", `${pathOf("private")}/snapshots`, { validS: 2 });
      const url = String(json["webSocketUrl"]);
      return [await looking(String(json["streamUrl"])), new Onlooker(url)] as const;
    });
    await until("its time is over", () => short.ended && onlooker.closed === 4_401);
  });

  it("come from devices that speak CBOR as well", async () => {
    const eye = await JsonDevice.open(system.wsUrl);
    open.push(eye);
    const hello = {
      ...{ version: 3, connection: "ip", apiKey, deviceId: "cbor-eye", deviceType: "BOARD" },
      ...{ supportsSnapshotStreaming: true, sensors: [] },
    };
    eye.sayRaw(encode({ hello }));
    await until("let in", () => eye.got.length === 1);
    const browser = await looking(streamOf("cbor-eye"), system.adminKey);
    const start = `binary ${Buffer.from(encode({ startSnapshot: true })).toString("hex")}`;
    await until("told to start", () => eye.got.includes(start));
    eye.sayRaw(encode({ snapshotFrame: "no picture" }));
    await until("it hears of that", () => eye.got.length === 3);
    await until("seen", () => {
      eye.sayRaw(encode(shown(5)));
      return browser.seen.includes(5);
    });
  });

  it("of a device that has no camera, or is not there, are refused", async () => {
    await device("blind", { supportsSnapshotStreaming: false });
    const blind = await api.call("POST", `${pathOf("blind")}/snapshots`, {});
    expect([blind.status, blind.json["detail"]]).toMatchObject([
      409,
      expect.stringContaining("cannot stream"),
    ]);
    await expect(looking(streamOf("blind"), system.adminKey)).rejects.toThrow("409");
    await expect(looking(streamOf("nobody"), system.adminKey)).rejects.toThrow("404");
  });

  async function urlOf(id: string): Promise<string> {
    const { json } = await api.call("POST", `${pathOf(id)}/snapshots`, {});
    return String(json["webSocketUrl"]);
  }
});

describe("a device with a model", () => {
  const inferenceInfo = {
    ...{
      projectId: 1,
      projectOwner: "o",
      projectName: "p",
      deploymentVersion: 3,
      modelType: "classification",
    },
  };
  const availableRecords = { firstIndex: 1, firstTimestamp: 5, lastIndex: 8, lastTimestamp: 9 };
  const runner = (id: string) => device(id, { mode: "inference", inferenceInfo, availableRecords });
  const seen = {
    result: { classification: { cat: 0.9, dog: 0.1 } },
    timing: { dsp: 1, classification: 2, anomaly: 0 },
  };
  const record = (index: number, base64 = picture(index).toString("base64")) => ({
    ...{ impulseRecord: seen, index, timestamp: 1_700_000_000_000 + index },
    rawData: { type: "jpg", bufferBase64: base64 },
  });

  it("tells what it sees; each record is acknowledged by the next frame, when it is kept", async () => {
    const eye = await runner("runner");
    expect((await api.call("POST", `${pathOf("runner")}/inference/start`)).status).toBe(202);
    await until("told to start", () => eye.of("startInferenceStream").length === 1);
    eye.say({ inferenceStreamStarted: true });
    const from = eye.got.length;
    eye.say(record(1));
    eye.sayRaw("ping");
    eye.say(record(2));
    await until("acknowledged", () => eye.of("impulseRecordAck").length === 2);
    await until("and what waited", () => eye.got.length === from + 3);
    const [first, ...rest] = eye.got.slice(from);
    expect(first).toBe('{"impulseRecordAck":true,"index":1}');
    expect(rest.toSorted()).toEqual(["pong", '{"impulseRecordAck":true,"index":2}'].toSorted());
    await until("kept", async () => (await eventsOf("runner", /^InferenceRecord$/)).length === 2);
    const [[, data] = ["", {}]] = await eventsOf("runner", /^InferenceRecord$/);
    expect(data).toEqual({
      ...{ index: 1, timestamp: 1_700_000_000_001, deploymentVersion: 3, ...seen },
      rawData: record(1).rawData,
    });

    await api.call("POST", `${pathOf("runner")}/inference/stop`);
    await until("told to stop", () => eye.of("stopInferenceStream").length === 1);
    eye.say({ inferenceStreamStopped: true });
    await until("it is told", async () => (await eventsOf("runner", /^InferenceStream/)).length === 2);
  });

  it("is asked for records; one that is sent again is kept once, and large raw data as a sample", async () => {
    const eye = await runner("keeper");
    await api.call("POST", `${pathOf("keeper")}/inference/records`, { range: { first: 7, last: 8 } });
    await until("asked", () => eye.of("impulseRecordRequest").length === 1);
    expect(eye.of("impulseRecordRequest")).toEqual([
      { impulseRecordRequest: { range: { first: 7, last: 8 } } },
    ]);
    const large = picture(7, limits.inferenceRawData).toString("base64");
    const { impulseRecord, ...rest } = record(7, large);
    for (let i = 0; i < 2; i++) eye.say({ impulseRecordsResponse: true, record: impulseRecord, ...rest });
    eye.say({ impulseRecordsResponse: false, index: 8, error: "Record not found" });
    await until("acknowledged", () => eye.of("impulseRecordAck").length === 3);
    expect(eye.of("impulseRecordAck").map(({ impulseRecordAck }) => impulseRecordAck)).toEqual([
      true,
      true,
      true,
    ]);
    await until("told", async () => (await eventsOf("keeper", /^InferenceRecord/)).length === 2);
    const told = new Map(await eventsOf("keeper", /^InferenceRecord/));
    expect(told.get("InferenceRecord")).toMatchObject({
      rawData: { type: "jpg", bytes: limits.inferenceRawData, sample: expect.any(String) },
    });
    expect(told.get("InferenceRecordFailed")).toEqual({ index: 8, error: "Record not found" });
  });

  it("hears that what it sends is no record, and goes on", async () => {
    const eye = await runner("broken");
    for (const wrong of [
      { index: -1 },
      { timestamp: "now" },
      { impulseRecord: [] },
      { rawData: { type: "jpg" } },
    ]) {
      eye.say({ ...record(1), ...wrong });
    }
    eye.say(record(2));
    await until("answered", () => eye.of("impulseRecordAck").length === 5);
    expect(
      eye.of("impulseRecordAck").map((answer) => [answer["impulseRecordAck"], typeof answer["error"]]),
    ).toEqual([...Array.from({ length: 4 }, () => [false, "string"]), [true, "undefined"]]);
    eye.say({
      inferenceSummary: { start: { index: 1 }, end: { index: 2 }, mean: [{ label: "cat", value: 0.9 }] },
    });
    await until("summed", async () => (await eventsOf("broken", /^InferenceSummary$/)).length === 1);
  });

  it("says what became of a new model", async () => {
    const eye = await runner("learner");
    eye.say({ modelUpdateSuccess: true, inferenceInfo: { ...inferenceInfo, deploymentVersion: 4 } });
    eye.say({ modelUpdateSuccess: false, error: "no space" });
    await until("told", async () => (await eventsOf("learner", /^Model/)).length === 2);
    expect(await eventsOf("learner", /^Model/)).toEqual([
      ["ModelUpdated", { inferenceInfo: { ...inferenceInfo, deploymentVersion: 4 } }],
      ["ModelUpdateFailed", { error: "no space" }],
    ]);
    const { json } = await api.call("GET", `${pathOf("learner")}/connection`);
    expect(json).toMatchObject({ inferenceInfo: { deploymentVersion: 4 }, availableRecords });
  });

  it("is not one that only collects", async () => {
    await device("collector");
    const refused = await api.call("POST", `${pathOf("collector")}/inference/start`);
    expect([refused.status, refused.json["detail"]]).toMatchObject([
      409,
      expect.stringContaining("no model"),
    ]);
  });
});
