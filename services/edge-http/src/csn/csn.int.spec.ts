import { SOON_MS, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, fieldsOf, heartbeat, len, num, pick, signature } from "./hand.fixture.js";
import {
  type Client,
  post,
  register,
  sign,
  signalsOf,
  startWorld,
  status,
  type World,
} from "./world.fixture.js";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe("CSN registration", () => {
  it("may be empty", async () => {
    const answer = await post(world.edge, "/api/v1/test/client/create", bytes());
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    expect(answer.csn.type).toBe(status.success);
    const fields = fieldsOf(answer.body);
    expect(fields.map(({ field }) => field)).toEqual([1, 2, 3, 5]);
    expect(String(fields[1]?.value)).toMatch(/^\d{16}$/);
    expect(Buffer.from(fields[2]?.value as Uint8Array).toString()).toMatch(/^[0-9a-f]{64}$/);
    expect(fields[3]?.value).toBe(0n);
  });

  it("answers one sensor id per sensor, in order, not packed", async () => {
    const sensors = [0, 2, 64].map((type) => len(2, num(2, type)));
    const answer = await post(world.edge, "/api/v1/test/client/create", bytes(...sensors));
    const ids = fieldsOf(answer.body).filter(({ field }) => field === 4);
    expect(ids.map(({ value }) => value)).toEqual([0n, 1n, 2n]);
  });

  it("needs the type of each sensor", async () => {
    const answer = await post(world.edge, "/api/v1/test/client/create", bytes(len(2, len(3, "ADXL"))));
    expect(answer.status).toBe(400);
    expect(answer.csn).toEqual({
      type: status.invalidRequest,
      message: "Missing required field: sensor_type",
    });
  });

  it("is refused in a namespace that does not exist", async () => {
    const answer = await post(world.edge, "/api/v1/nowhere/client/create", bytes());
    expect(answer.status).toBe(400);
    expect(answer.csn.type).toBe(status.invalidRequest);
  });
});

describe("CSN events and heartbeats", () => {
  it("keeps a pick of the stock reference client, and fills in the sensor type that it leaves out", async () => {
    const client = await register(world.edge);
    const signing = sign(client);
    const answer = await post(world.edge, `/api/v1/test/event/${client.id}`, pick(signing));
    expect(answer.status).toBe(200);
    expect([...answer.body]).toEqual([0x0a, 0x02, 0x08, 0x00]);
    expect(Number(answer.headers.get("fieldlog-position"))).toBeGreaterThan(0);
    const [signal] = await signalsOf(world, client);
    expect(signal).toMatchObject({
      identity: `0/${signing.date}`,
      location: { latitude: 34.1382, longitude: -118.1256, source: "user-input" },
    });
    expect(signal?.body.value).toMatchObject({
      name: "pick",
      reading: {
        ...{ sensor: "0", sensorType: "accelerometer-3-axis", values: [0, 0, 1.05895996094] },
        ...{ eventCount: 117, windowS: 600 },
      },
    });
    expect(signal?.occurredAt).toBe(BigInt(Date.parse(`${signing.date}Z`)));
  });

  it("answers the production client, whose content type is another, in the same way", async () => {
    const client = await register(world.edge);
    const answer = await post(
      world.edge,
      `/api/v1/test/event/${client.id}`,
      pick(sign(client), { type: 0 }),
      {
        "content-type": "application/vnd.google.protobuf",
        "user-agent": "CSNClient/2.2b3",
      },
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
  });

  it.each(["nonsense", "", "text/html; charset=x; y", "a/b/c"])(
    "takes any content type: %j",
    async (type) => {
      const client = await register(world.edge);
      const answer = await post(world.edge, `/api/v1/test/event/${client.id}`, pick(sign(client)), {
        "content-type": type,
      });
      expect(answer.status).toBe(200);
    },
  );

  it("puts right the two numbers that the reference client swaps, for it alone", async () => {
    const client = await register(world.edge);
    const path = `/api/v1/test/heartbeat/${client.id}`;
    const swapped = await post(world.edge, path, heartbeat(sign(client)));
    expect([...swapped.body]).toEqual([0x0a, 0x02, 0x08, 0x00, 0x18, 0x00]);
    await post(world.edge, path, heartbeat(sign(client)), { "user-agent": "CSNClient/2.2b3" });
    const rates = (await signalsOf(world, client)).map(
      ({ body }) => body.case === "heartbeat" && body.value.rates[0],
    );
    expect(rates).toMatchObject([
      { eventCount: 1, windowS: 600 },
      { eventCount: 600, windowS: 1 },
    ]);
  });

  it("takes a blank signed heartbeat", async () => {
    const client = await register(world.edge);
    const answer = await post(
      world.edge,
      `/api/v1/test/heartbeat/${client.id}`,
      bytes(signature(sign(client))),
    );
    expect(answer.csn.type).toBe(status.success);
  });

  it("keeps the date of the detection, and the trace that the request belongs to", async () => {
    const client = await register(world.edge);
    const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const event = [
      ...num(1, 0),
      ...[0x19, 0, 0, 0, 0, 0, 0, 0, 0],
      ...len(4, "2014-04-13T19:36:43.205"),
      ...num(5, 1),
      ...num(6, 2),
    ];
    const answer = await post(
      world.edge,
      `/api/v1/test/event/${client.id}`,
      bytes(signature(sign(client)), len(5, event)),
      {
        traceparent: trace,
      },
    );
    expect(answer.csn).toEqual({ type: status.success, message: "" });
    const [signal] = await signalsOf(world, client);
    expect(signal?.occurredAt).toBe(BigInt(Date.parse("2014-04-13T19:36:43.205Z")));
    expect(signal?.traceParent).toBe(trace);
  });
});

describe("CSN updates and metadata", () => {
  it("says so when an update changes nothing", async () => {
    const client = await register(world.edge);
    const answer = await post(
      world.edge,
      `/api/v1/test/client/update/${client.id}`,
      bytes(signature(sign(client))),
    );
    expect(answer.status).toBe(200);
    expect(answer.csn).toEqual({
      type: status.success,
      message: "No changes to client requested or all properties are already at their desired values.",
    });
  });

  it("adds and removes sensors, of which later events know at once", async () => {
    const client = await register(world.edge);
    const path = `/api/v1/test/client/update/${client.id}`;
    const added = await post(
      world.edge,
      path,
      bytes(signature(sign(client)), len(3, num(2, 2)), len(3, num(2, 3))),
    );
    const ids = fieldsOf(added.body).filter(({ field }) => field === 2);
    expect(ids.map(({ value }) => value)).toEqual([1n, 2n]);
    const event = `/api/v1/test/event/${client.id}`;
    expect((await post(world.edge, event, pick(sign(client), { sensor: 2 }))).status).toBe(200);
    const removed = await post(world.edge, path, bytes(signature(sign(client)), len(5, [2])));
    expect(removed.csn.type).toBe(status.success);
    expect((await post(world.edge, event, pick(sign(client), { sensor: 2 }))).csn.type).toBe(
      status.unknownSensor,
    );
    expect((await post(world.edge, path, bytes(signature(sign(client)), len(5, [9])))).csn).toEqual({
      type: status.unknownSensor,
      message: 'Sensor "9" does not exist.',
    });
  });

  it("takes a sensor into account that was added through another edge a moment ago", async () => {
    const client = await register(world.edge);
    const event = `/api/v1/test/event/${client.id}`;
    await post(world.edge, event, pick(sign(client)));
    await post(
      world.other,
      `/api/v1/test/client/update/${client.id}`,
      bytes(signature(sign(client)), len(3, num(2, 2))),
    );
    const second = () => post(world.edge, event, pick(sign(client), { sensor: 1 }));
    await until("this edge knows it, too", async () => (await second()).status === 200, SOON_MS);
  });

  it("refuses to change a sensor's type", async () => {
    const client = await register(world.edge);
    const sensor = len(4, [...num(1, 0), ...num(2, 2)]);
    const answer = await post(
      world.edge,
      `/api/v1/test/client/update/${client.id}`,
      bytes(signature(sign(client)), sensor),
    );
    expect([answer.status, answer.csn.type]).toEqual([400, status.invalidRequest]);
  });

  it("tells a client's data, and its sensors if asked", async () => {
    const name = len(4, "roof");
    const pairs = [len(15, [...len(1, "port"), ...num(4, 7)]), len(15, [...len(1, "on"), ...num(5, 1)])];
    const created = await post(
      world.edge,
      "/api/v1/test/client/create",
      bytes(len(1, [...name, ...num(8, 4), ...pairs.flat()]), len(2, num(2, 2))),
    );
    const fields = fieldsOf(created.body);
    const client: Client = {
      id: String(fields.find(({ field }) => field === 2)?.value),
      secret: Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString(),
      next: 0,
    };
    const path = `/api/v1/test/client/metadata/${client.id}`;
    const plain = await post(world.edge, path, bytes(signature(sign(client))));
    expect(fieldsOf(plain.body).map(({ field }) => field)).toEqual([1, 2]);
    const data = fieldsOf(fieldsOf(plain.body)[1]?.value as Uint8Array);
    expect(data).toContainEqual({ field: 4, value: new Uint8Array(Buffer.from("roof")) });
    expect(data).toContainEqual({ field: 8, value: 4n });
    expect(data.filter(({ field }) => field === 15)).toHaveLength(2);
    const full = await post(world.edge, path, bytes(signature(sign(client)), num(2, 1)));
    const sensors = fieldsOf(full.body).filter(({ field }) => field === 3);
    expect(sensors.map(({ value }) => fieldsOf(value as Uint8Array))).toEqual([
      [
        { field: 1, value: 0n },
        { field: 2, value: 2n },
      ],
    ]);
  });
});
