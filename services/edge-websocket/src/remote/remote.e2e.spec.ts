import { isDeepStrictEqual } from "node:util";
import { limits } from "@fieldlog/contracts";
import { SOON_MS, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Json } from "../client.fixture.js";
import { write } from "./cbor-by-hand.fixture.js";
import {
  ask,
  board,
  closeAll,
  hello,
  keep,
  keyOf,
  newId,
  parts,
  pathOf,
  present,
  reaches,
  start,
  stop,
  stranger,
  WAVE,
} from "./remote-system.fixture.js";

beforeAll(start);
afterEach(closeAll);
afterAll(stop);

const steps = ({ steps }: Json) => (steps as Json[]).map(({ name }) => name);

/** Rule 12, that hello may come late, is a matter of time: see connection.spec.ts. */
describe("the rules that clients break without", () => {
  it("1: each is answered in the frames in which it said hello", async () => {
    const [json, cbor] = [newId(), newId()];
    const text = await present(hello(json));
    const binary = await board(cbor);
    await ask(json);
    await ask(cbor);
    await until("both are asked", () => text.of("sample").length === 1 && binary.requests.length === 1);
    expect(text.got.filter((frame) => frame.startsWith("binary"))).toEqual([]);
    expect(binary.errors).toEqual([]);
  });

  it("2: the answer to hello is the next frame, whatever waits for the device", async () => {
    const id = newId();
    (await present(hello(id))).socket.terminate();
    const sampling = await until("one waits", async () => {
      const { json } = await parts.api.call("POST", `${pathOf(id)}/samples`, WAVE);
      return json["state"] === "queued" && String(json["id"]);
    });
    const device = await stranger();
    device.sayRaw("ping");
    device.say({ hello: hello(id, { version: 4, mode: "ingestion" }) });
    for (let i = 0; i < 3; i++) device.sayRaw("ping");
    device.say({ sampleStarted: 1 });
    await until("all has come", () => device.got.filter((text) => text === "pong").length === 3);
    await until("what waited has come", () => device.of("sample").length > 0);
    expect(JSON.parse(device.got[0] ?? "")).toEqual({ hello: true, serverTimestamp: expect.any(Number) });
    expect(await reaches(id, sampling, "sent")).toMatchObject({ place: null });
  });

  it("3: hello is the first key of its answer, also where it is refused", async () => {
    const frames: Buffer[] = [];
    for (const more of [{}, { version: 4 }, { apiKey: "ei_wrong" }]) {
      const said = write({ hello: hello(newId(), more) });
      const socket = new WebSocket(parts.system.wsUrl);
      keep({ socket });
      socket.on("open", () => socket.send(said));
      socket.on("message", (data: Buffer) => frames.push(data));
      const before = frames.length;
      await until("an answer", () => frames.length > before);
    }
    const [yes, yes4, no] = frames.map((frame) => frame.toString("latin1"));
    expect(yes).toMatch(/^\xa1\x65hello\xf5$/);
    expect(yes4).toMatch(/^\xa2\x65hello\xf5\x6fserverTimestamp/);
    expect(no).toMatch(/^\xa2\x65hello\xf4\x63err/);
  });

  it("4, 5: firmware is asked with six keys that it knows, of types that it knows, in a frame that it has room for", async () => {
    const id = newId();
    const device = await board(id);
    const asked = { labelColor: "#ffffff", collectedSampleCount: 1, targetSampleCount: 5 };
    await ask(id, { ...asked, label: "l".repeat(127), intervalMs: 62.5 });
    await until("it is asked", () => device.requests.length === 1);
    expect(device.requests[0]).toEqual({
      ...{ label: "l".repeat(127), length: 1_000, path: "/api/training/data", interval: 62.5 },
      ...{ hmacKey: expect.stringMatching(/^[0-9a-f]{32}$/), sensor: "Accelerometer" },
    });
    expect(device.errors).toEqual([]);
    const other = newId();
    const screen = await present(hello(other));
    await ask(other, asked);
    await until("it is asked", () => screen.of("sample").length === 1);
    expect(screen.of("sample")[0]?.["sample"]).toMatchObject(asked);
  });

  it("6: that it has accepted comes late, or never", async () => {
    const id = newId();
    const device = await present(hello(id));
    const sampling = await ask(id);
    await until("it is asked", () => device.of("sample").length === 1);
    device.say({ sampleStarted: true });
    device.say({ sampleReading: true, progressPercentage: 33 });
    expect(await reaches(id, sampling, "reading")).toMatchObject({ percent: 33 });
    device.say({ sampleUploading: true });
    device.say({ sample: true });
    await until("it was heard", async () => {
      return steps(await reaches(id, sampling, "uploading")).includes("accepted");
    });
    device.say({ sampleFinished: true });
    await reaches(id, sampling, "finished");
  });

  it("7: it fails at any time, and says why in either word", async () => {
    const id = newId();
    const device = await present(hello(id));
    const first = await ask(id);
    await until("it is asked", () => device.of("sample").length === 1);
    device.say({ sample: false, error: "Invalid sensor" });
    expect(await reaches(id, first, "refused")).toMatchObject({ error: "Invalid sensor" });
    const second = await ask(id);
    await until("it is asked again", () => device.of("sample").length === 2);
    for (const message of [{ sample: true }, { sampleStarted: true }, { sample: false, err: "no room" }]) {
      device.say(message);
    }
    expect(await reaches(id, second, "failed")).toMatchObject({ error: "no room" });
  });

  it("8: one at a time; the others wait where one sees them", async () => {
    const id = newId();
    const device = await board(id);
    const samplings = [await ask(id), await ask(id, { label: "snake" }), await ask(id, { label: "idle" })];
    const waiting = await reaches(id, samplings[2] ?? "", "queued");
    expect(waiting).toMatchObject({ place: 2 });
    await until("it is asked", () => device.requests.length === 1);
    device.say({ sample: false, error: "busy" });
    await reaches(id, samplings[1] ?? "", "sent");
    await until("it is asked again", () => device.requests.length === 2);
    expect(device.requests.map(({ label }) => label)).toEqual(["wave", "snake"]);
  });

  it("9: a ping is answered, as a frame and as a text", async () => {
    const device = await present(hello(newId()));
    let pongs = 0;
    device.socket.on("pong", () => pongs++);
    device.socket.ping();
    device.sayRaw("ping");
    await until("both are answered", () => pongs === 1 && device.got.at(-1) === "pong");
  });

  it("10: what is uploaded arrives, to the path that it was told and to the other", async () => {
    const id = newId();
    const device = await board(id);
    const first = await ask(id);
    const request = await until("it is asked", () => device.requests[0]);
    expect(await device.sample(request)).toBe(200);
    const { sample } = await reaches(id, first, "arrived");
    const { json } = await parts.api.call("GET", `namespaces/test/samples/${sample}`);
    expect(json).toMatchObject({ label: "wave", category: "training", signature: "valid", device: id });
    const other = newId();
    const linux = await present(hello(other));
    const second = await ask(other, { sensor: "Camera (320x240)", label: "cat" });
    await until("it is asked", () => linux.of("sample").length === 1);
    const body = new FormData();
    body.append("data", new Blob([Buffer.from("ffd8ffd9", "hex")]), "cat.1.jpg");
    const headers = { "x-api-key": parts.apiKey, "x-label": "cat" };
    const uploaded = await fetch(`${parts.system.url}/api/training/files`, { method: "POST", headers, body });
    expect(await uploaded.json()).toMatchObject({ success: true });
    await reaches(other, second, "arrived");
  });

  it("11: who may not come is told so, and goes by itself", async () => {
    const { key: reader } = await keyOf({ kind: "native", permission: "read" });
    for (const [more, said] of [
      [{ apiKey: "ei_wrong" }, "Invalid API key"],
      [{ apiKey: reader }, "only read"],
      [{ apiKey: parts.system.adminKey }, "all namespaces"],
      [{ version: 9 }, "hello.version"],
      [{ sensors: [{ name: "Accelerometer", maxSampleLengthS: 1, frequencies: [] }] }, "length of zero"],
    ] as const) {
      const device = await present(hello(newId(), more));
      device.sayRaw("ping");
      device.say({ hello: hello(newId()) });
      expect(device.messages).toEqual([{ hello: false, err: expect.stringContaining(said) }]);
      expect(device.closed).toBeUndefined();
    }
  });
});

describe("a device", () => {
  it.each([1, 2, 3, 4])("of version %i is let in, and its sensors are known", async (version) => {
    const id = newId();
    const sensors = version === 1 ? ["Built-in accelerometer"] : hello(id)["sensors"];
    await present(hello(id, { version, sensors }));
    const { json } = await until("it is listed", async () => {
      const answer = await parts.api.call("GET", pathOf(id));
      return answer.status === 200 && answer;
    });
    const known = version === 1 ? ["Built-in accelerometer"] : ["Camera (320x240)", "Accelerometer"];
    expect(json).toMatchObject({ id, dialect: "edge-impulse", metadata: { name: id } });
    const listed = json["sensors"] as { sensorType: string; details: Json }[];
    expect(listed.map(({ sensorType }) => sensorType)).toEqual(known);
    expect(listed.at(-1)?.details).toEqual(
      version === 1
        ? { frequencies: [62.5, 100], maxSampleLengthS: 300 }
        : { frequencies: [100, 62.5], maxSampleLengthS: 600 },
    );
  });

  it.each(["a/b c*>.ü", "...", "_", "x".repeat(200)])("has any text as its id: %.20s", async (id) => {
    const device = await board(id);
    const sampling = await ask(id, { label: "any" });
    const request = await until("it is asked", () => device.requests[0]);
    expect(await device.sample(request)).toBe(200);
    const { sample } = await reaches(id, sampling, "arrived");
    const { json } = await parts.api.call("GET", `namespaces/test/samples/${sample}`);
    expect(json).toMatchObject({ device: id, signature: "valid" });
    const { json: events } = await parts.api.call(
      "GET",
      `namespaces/test/events?type=SamplingArrived&device=${encodeURIComponent(id)}`,
    );
    expect(events["events"]).toMatchObject([{ data: { sampling } }]);
  });

  it("is active while it is there, and not when it has gone", async () => {
    const id = newId();
    const device = await present(hello(id));
    const state = async () => (await parts.api.call("GET", `${pathOf(id)}/liveness`)).json["state"];
    await until("it is active", async () => (await state()) === "active");
    device.socket.close();
    await until("it is inactive", async () => (await state()) === "inactive");
  });

  it("that connects again takes the place of its older connection", async () => {
    const id = newId();
    const before = await present(hello(id));
    const device = await present(hello(id));
    await until("the older one is closed", () => before.closed?.code === 4001);
    await ask(id);
    await until("the newer one is asked", () => device.of("sample").length === 1);
    expect(before.of("sample")).toEqual([]);
  });

  it("whose key is revoked is closed within a second, and not let in again", async () => {
    const { id, key } = await keyOf({ kind: "edge-impulse" });
    const device = await present(hello(newId(), { apiKey: key }));
    await parts.api.call("DELETE", `namespaces/test/api-keys/${id}`);
    const revokedAt = Date.now();
    await until("it is closed", () => device.closed?.code === 4401);
    expect(Date.now() - revokedAt).toBeLessThan(SOON_MS);
    const again = await present(hello(newId(), { apiKey: key }));
    expect(again.of("hello")).toEqual([{ hello: false, err: "Invalid API key" }]);
  });

  it("that is removed is closed, and does not come again", async () => {
    const id = newId();
    const device = await present(hello(id));
    await until("it is gone", async () => (await parts.api.call("DELETE", pathOf(id))).status === 204);
    await until("it is closed", () => device.closed?.code === 4410);
    expect((await present(hello(id))).of("hello")).toEqual([{ hello: false, err: "the device was removed" }]);
  });
});

describe("what a device was told to do", () => {
  it("fails where it goes before it has answered, and does not where it has", async () => {
    const id = newId();
    const device = await board(id);
    const first = await ask(id);
    await until("it is asked", () => device.requests.length === 1);
    device.socket.terminate();
    expect(await reaches(id, first, "failed")).toMatchObject({
      error: expect.stringContaining("connection"),
    });
    const again = await board(id);
    const second = await ask(id);
    await until("it is asked", () => again.requests.length === 1);
    again.say({ sample: true });
    await reaches(id, second, "accepted");
    again.socket.terminate();
    const third = await board(id);
    third.say({ sampleUploading: true });
    await reaches(id, second, "uploading");
  });

  it("it is not told where it has no room for it", async () => {
    const id = newId();
    // By this one knows the firmware of ST, whose texts are shorter.
    const { connection: _, ...st } = hello(id, { version: 2 });
    const socket = new WebSocket(parts.system.wsUrl);
    keep({ socket });
    const frames: unknown[] = [];
    socket.on("open", () => socket.send(write({ hello: st })));
    socket.on("message", (data) => frames.push(data));
    await until("it is let in", () => frames.length === 1);
    const sampling = await ask(id, { label: "l".repeat(64) });
    expect(await reaches(id, sampling, "refused")).toMatchObject({ error: expect.stringContaining("label") });
  });
});

describe("what is no message", () => {
  it("is answered with an error in the device's encoding, and others never notice", async () => {
    const id = newId();
    const other = await board();
    const device = await present(hello(id));
    for (const frame of ["{", "[]", '"x"', `{"a":[${"0,".repeat(30_000)}0]}`, Buffer.of(0xa0)]) {
      device.sayRaw(frame);
    }
    device.say({ hello: hello(id) });
    device.say({ unknown: true, sample: "no flag" });
    device.sayRaw("ping");
    await until("all is answered", () => device.got.at(-1) === "pong");
    expect(device.of("err").map(({ err }) => String(err).slice(0, 5))).toEqual([
      ...Array(5).fill("Faile"),
      "this ",
    ]);
    const bombs = [Buffer.alloc(50_000, 0x81), Buffer.from("9bffffffffffffffff", "hex"), Buffer.alloc(9)];
    const firmware = await board();
    for (const bomb of bombs) firmware.socket.send(bomb);
    await until("each is answered", () => firmware.errors.length === 3);
    expect(firmware.errors.every((error) => error.startsWith("err: Failed to parse"))).toBe(true);
    expect([device.closed, firmware.closed, other.closed, other.errors]).toEqual([
      undefined,
      undefined,
      undefined,
      [],
    ]);
  });

  it("from one who has not said hello is answered, too", async () => {
    const device = await stranger();
    device.say({ sampleStarted: true });
    device.sayRaw("{");
    device.sayRaw(write({ sample: true }));
    await until("all is answered", () => device.got.length === 3);
    expect(device.of("err")).toHaveLength(2);
    expect(device.got[2]).toMatch(/^binary a163657272/);
    device.say({ hello: hello(newId()) });
    await until("it is let in", () => device.of("hello").length === 1);
  });

  it("closes the connection where there is too much of it", async () => {
    const [large, stubborn, wordy] = [
      await present(hello(newId())),
      await present(hello(newId())),
      await stranger(),
    ];
    large.sayRaw(Buffer.alloc(limits.remoteFrameBytes + 1));
    for (let i = 0; i < 40; i++) stubborn.sayRaw("{");
    wordy.sayRaw(JSON.stringify({ hello: "x".repeat(limits.remoteHelloBytes) }));
    await until("all are closed", () => [large, stubborn, wordy].every(({ closed }) => closed !== undefined));
    expect([large, stubborn, wordy].map(({ closed }) => closed?.code)).toEqual([1009, 1008, 1009]);
  });
});

it("while NATS is away devices stay, new ones are sent to come again, and then all is as before", async () => {
  const id = newId();
  const device = await present(hello(id));
  await parts.servers.nats.kill();
  const another = async () => {
    const other = await stranger();
    other.say({ hello: hello(newId()) });
    await until("it is answered", () => other.closed !== undefined || other.got.length > 0);
    return [other.closed?.code, ...other.got];
  };
  await until("one is sent away", async () => isDeepStrictEqual(await another(), [1013]));
  await parts.servers.nats.start();
  await until("it is asked", async () => {
    if (device.of("sample").length > 0) return true;
    const { json } = await parts.api.call("POST", `${pathOf(id)}/samples`, WAVE);
    throw new Error(JSON.stringify(json));
  });
  expect(device.closed).toBeUndefined();
  await until("one is let in", async () => isDeepStrictEqual(await another(), [undefined, '{"hello":true}']));
});

// The last one, because it takes everything.
it("a device whose namespace is cleared is closed, and comes again as a new one", async () => {
  const id = newId();
  const device = await present(hello(id));
  expect((await parts.api.call("POST", "namespaces/test/clear", {})).status).toBe(200);
  await until("it is closed", () => device.closed?.code === 4410);
  await until("it is let in again", async () => {
    return (await present(hello(id))).of("hello")[0]?.["hello"] === true;
  });
  await until("it is listed", async () => (await parts.api.call("GET", pathOf(id))).status === 200);
});
