import type { signals } from "@fieldlog/contracts";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Edge, Neighbours, signalsIn, startEdge } from "../edge.fixture.js";
import {
  bytes,
  dateOf,
  fieldsOf,
  heartbeat,
  len,
  num,
  pick,
  type Signing,
  signature,
  statusOf,
} from "./hand.fixture.js";

const SUCCESS = 0;
const INVALID_REQUEST = 2;
const UNKNOWN_CLIENT = 3;
const UNKNOWN_SENSOR = 4;
const PATH_NOT_FOUND = 10;

let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;
let other: Edge;

beforeAll(async () => {
  servers = await startServers();
  neighbours = await Neighbours.start(servers.nats.url);
  edge = await startEdge(servers.nats.url, neighbours);
  other = await startEdge(servers.nats.url, neighbours);
});
afterAll(async () => {
  await edge?.stop();
  await other?.stop();
  await neighbours?.stop();
  await servers?.stop();
});

async function post(path: string, body: Uint8Array, headers: Record<string, string> = {}, at = edge) {
  const response = await fetch(`${at.url}${path}`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
    headers: { "content-type": "application/x-protobuf", "user-agent": "SAFCSNclient v1.0b", ...headers },
  });
  const answer = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, body: answer, csn: statusOf(answer) };
}

interface Client {
  readonly id: string;
  readonly secret: string;
  next: number;
}

/** Registers a client with one three-axis accelerometer. */
async function register(namespace = "test"): Promise<Client> {
  const { body } = await post(`/api/v1/${namespace}/client/create`, bytes(len(2, num(2, 0))));
  const fields = fieldsOf(body);
  const secret = Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString();
  return { id: String(fields.find(({ field }) => field === 2)?.value), secret, next: 0 };
}

function sign(client: Client, o: Partial<Signing> = {}): Signing {
  return { id: client.next++, secret: client.secret, date: dateOf(Date.now()), ...o };
}

const of = (client: Client) => async (): Promise<signals.Signal[]> =>
  (await signalsIn(neighbours.log, "test")).filter(({ device }) => device === client.id);

describe("CSN registration", () => {
  it("may be empty", async () => {
    const answer = await post("/api/v1/test/client/create", bytes());
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    expect(answer.csn.type).toBe(SUCCESS);
    const fields = fieldsOf(answer.body);
    expect(fields.map(({ field }) => field)).toEqual([1, 2, 3, 5]);
    expect(String(fields[1]?.value)).toMatch(/^\d{16}$/);
    expect(Buffer.from(fields[2]?.value as Uint8Array).toString()).toMatch(/^[0-9a-f]{64}$/);
    expect(fields[3]?.value).toBe(0n);
  });

  it("answers one sensor id per sensor, in order, not packed", async () => {
    const sensors = [0, 2, 64].map((type) => len(2, num(2, type)));
    const answer = await post("/api/v1/test/client/create", bytes(...sensors));
    const ids = fieldsOf(answer.body).filter(({ field }) => field === 4);
    expect(ids.map(({ value }) => value)).toEqual([0n, 1n, 2n]);
  });

  it("needs the type of each sensor", async () => {
    const answer = await post("/api/v1/test/client/create", bytes(len(2, len(3, "ADXL"))));
    expect(answer.status).toBe(400);
    expect(answer.csn).toEqual({ type: INVALID_REQUEST, message: "Missing required field: sensor_type" });
  });

  it("is refused in a namespace that does not exist", async () => {
    const answer = await post("/api/v1/nowhere/client/create", bytes());
    expect(answer.status).toBe(400);
    expect(answer.csn.type).toBe(INVALID_REQUEST);
  });
});

describe("CSN events and heartbeats", () => {
  it("keeps a pick of the stock reference client, and fills in the sensor type that it leaves out", async () => {
    const client = await register();
    const signing = sign(client);
    const answer = await post(`/api/v1/test/event/${client.id}`, pick(signing));
    expect(answer.status).toBe(200);
    expect([...answer.body]).toEqual([0x0a, 0x02, 0x08, 0x00]);
    expect(Number(answer.headers.get("fieldlog-position"))).toBeGreaterThan(0);
    const [signal] = await of(client)();
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
    const client = await register();
    const answer = await post(`/api/v1/test/event/${client.id}`, pick(sign(client), { type: 0 }), {
      "content-type": "application/vnd.google.protobuf",
      "user-agent": "CSNClient/2.2b3",
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
  });

  it.each(["nonsense", "", "text/html; charset=x; y", "a/b/c"])(
    "takes any content type: %j",
    async (type) => {
      const client = await register();
      const answer = await post(`/api/v1/test/event/${client.id}`, pick(sign(client)), {
        "content-type": type,
      });
      expect(answer.status).toBe(200);
    },
  );

  it("puts right the two numbers that the reference client swaps, for it alone", async () => {
    const client = await register();
    const path = `/api/v1/test/heartbeat/${client.id}`;
    const swapped = await post(path, heartbeat(sign(client)));
    expect([...swapped.body]).toEqual([0x0a, 0x02, 0x08, 0x00, 0x18, 0x00]);
    await post(path, heartbeat(sign(client)), { "user-agent": "CSNClient/2.2b3" });
    const rates = (await of(client)()).map(({ body }) => body.case === "heartbeat" && body.value.rates[0]);
    expect(rates).toMatchObject([
      { eventCount: 1, windowS: 600 },
      { eventCount: 600, windowS: 1 },
    ]);
  });

  it("takes a blank signed heartbeat", async () => {
    const client = await register();
    const answer = await post(`/api/v1/test/heartbeat/${client.id}`, bytes(signature(sign(client))));
    expect(answer.csn.type).toBe(SUCCESS);
  });

  it("keeps the date of the detection, and the trace that the request belongs to", async () => {
    const client = await register();
    const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const event = [
      ...num(1, 0),
      ...[0x19, 0, 0, 0, 0, 0, 0, 0, 0],
      ...len(4, "2014-04-13T19:36:43.205"),
      ...num(5, 1),
      ...num(6, 2),
    ];
    const answer = await post(
      `/api/v1/test/event/${client.id}`,
      bytes(signature(sign(client)), len(5, event)),
      {
        traceparent: trace,
      },
    );
    expect(answer.csn).toEqual({ type: SUCCESS, message: "" });
    const [signal] = await of(client)();
    expect(signal?.occurredAt).toBe(BigInt(Date.parse("2014-04-13T19:36:43.205Z")));
    expect(signal?.traceParent).toBe(trace);
  });
});

describe("CSN refusals", () => {
  const reading = doublesOf([1]);
  function doublesOf(values: number[]) {
    const buffer = Buffer.alloc(8 * values.length);
    values.forEach((value, index) => {
      buffer.writeDoubleLE(value, index * 8);
    });
    return len(3, [...buffer]);
  }
  const sensorEvent = [...num(1, 0), ...reading, ...num(5, 1), ...num(6, 600)];
  const without = (field: number) => {
    const parts: [number, number[]][] = [
      [1, num(1, 0)],
      [3, reading],
      [5, num(5, 1)],
      [6, num(6, 600)],
    ];
    return parts.filter(([number]) => number !== field).flatMap(([, part]) => part);
  };
  const hex = "0".repeat(64);

  it.each<[string, (client: Client) => Uint8Array, number, string | RegExp]>([
    ["not a message", () => bytes([0xff, 0xff]), INVALID_REQUEST, "Could not decode request."],
    ["a wrong wire type", () => bytes(num(1, 5)), INVALID_REQUEST, "Could not decode request."],
    ["an empty body", () => bytes(), INVALID_REQUEST, "Missing required field: client_signature"],
    ["no event", (c) => bytes(signature(sign(c))), INVALID_REQUEST, "Missing required field: event"],
    [
      "no sensor_id",
      (c) => bytes(signature(sign(c)), len(5, without(1))),
      INVALID_REQUEST,
      "Missing required field: sensor_id",
    ],
    [
      "no readings",
      (c) => bytes(signature(sign(c)), len(5, without(3))),
      INVALID_REQUEST,
      "Missing required field: readings",
    ],
    [
      "no event_count",
      (c) => bytes(signature(sign(c)), len(5, without(5))),
      INVALID_REQUEST,
      "Missing required field: event_count",
    ],
    [
      "no time_window",
      (c) => bytes(signature(sign(c)), len(5, without(6))),
      INVALID_REQUEST,
      "Missing required field: time_window",
    ],
    [
      "no message_id",
      () => bytes(len(1, [...len(1, dateOf(0)), ...len(3, hex)]), len(5, sensorEvent)),
      INVALID_REQUEST,
      "Missing required field: message_id",
    ],
    [
      "no date",
      () => bytes(len(1, [...num(2, 1), ...len(3, hex)]), len(5, sensorEvent)),
      INVALID_REQUEST,
      "Missing required field: date",
    ],
    [
      "no signature",
      () => bytes(len(1, [...len(1, dateOf(0)), ...num(2, 1)]), len(5, sensorEvent)),
      INVALID_REQUEST,
      "Missing required field: signature",
    ],
    [
      "a bad date",
      (c) => bytes(signature(sign(c, { date: "2014-04-13T19:42:17" })), len(5, sensorEvent)),
      INVALID_REQUEST,
      'Datetime object "2014-04-13T19:42:17" was not parseable.',
    ],
    [
      "a bad detection date",
      (c) => bytes(signature(sign(c)), len(5, [...sensorEvent, ...len(4, "yesterday")])),
      INVALID_REQUEST,
      'Datetime object "yesterday" was not parseable.',
    ],
    [
      "a wrong signature",
      (c) => pick(sign(c, { secret: "x".repeat(64) })),
      INVALID_REQUEST,
      "Signature does not match.",
    ],
    [
      "an old date",
      (c) => pick(sign(c, { date: dateOf(Date.now() - 901_000) })),
      INVALID_REQUEST,
      /900 s away from the server's time, 20\d\d-\d\d-\d\dT/,
    ],
    [
      "a date ahead",
      (c) => pick(sign(c, { date: dateOf(Date.now() + 905_000) })),
      INVALID_REQUEST,
      /900 s away/,
    ],
    ["an unknown sensor", (c) => pick(sign(c), { sensor: 7 }), UNKNOWN_SENSOR, 'Sensor "7" does not exist.'],
    ["another sensor type", (c) => pick(sign(c), { type: 2 }), INVALID_REQUEST, /another sensor_type/],
    ["NaN", (c) => pick(sign(c), { readings: [1, Number.NaN] }), INVALID_REQUEST, /not a number/],
    [
      "infinity",
      (c) => pick(sign(c), { readings: [Number.NEGATIVE_INFINITY] }),
      INVALID_REQUEST,
      /not a number/,
    ],
    [
      "one coordinate",
      (c) => bytes(signature(sign(c)), [0x11, 0, 0, 0, 0, 0, 0, 0, 0], len(5, sensorEvent)),
      INVALID_REQUEST,
      "Missing required field: longitude",
    ],
    [
      "no such latitude",
      (c) => bytes(pickParts(c, 90.5, 0)),
      INVALID_REQUEST,
      "Field latitude is out of range.",
    ],
    [
      "too many readings",
      (c) => pick(sign(c), { readings: Array(1025).fill(1) }),
      INVALID_REQUEST,
      /more than 1024 readings/,
    ],
  ])("of an event with %s", async (_what, make, type, message) => {
    const client = await register();
    const answer = await post(`/api/v1/test/event/${client.id}`, make(client));
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    expect(answer.csn.type).toBe(type);
    expect(answer.csn.message).toEqual(
      typeof message === "string" ? message : expect.stringMatching(message),
    );
    expect(await of(client)()).toEqual([]);
  });

  function pickParts(client: Client, latitude: number, longitude: number): number[] {
    const double = (field: number, value: number) => {
      const buffer = Buffer.alloc(8);
      buffer.writeDoubleLE(value);
      return [field * 8 + 1, ...buffer];
    };
    return [
      ...signature(sign(client)),
      ...double(2, latitude),
      ...double(3, longitude),
      ...len(5, sensorEvent),
    ];
  }

  it("of a heartbeat whose rate lacks a number", async () => {
    const client = await register();
    const rate = len(10, [...num(1, 0), ...num(2, 1)]);
    const answer = await post(`/api/v1/test/heartbeat/${client.id}`, bytes(signature(sign(client)), rate));
    expect(answer.csn).toEqual({ type: INVALID_REQUEST, message: "Missing required field: time_window" });
  });

  it("of a client that is unknown, or known in another namespace only", async () => {
    const client = await register();
    const unknown = await post("/api/v1/test/event/1234567890123456", pick(sign(client)));
    expect(unknown.status).toBe(400);
    expect(unknown.csn).toEqual({
      type: UNKNOWN_CLIENT,
      message: 'Client "1234567890123456" does not exist.',
    });
    for (const namespace of ["default", "nowhere"]) {
      const elsewhere = await post(`/api/v1/${namespace}/event/${client.id}`, pick(sign(client)));
      expect(elsewhere.csn.type).toBe(UNKNOWN_CLIENT);
    }
  });

  it("come in the order of the reference: form, fields, client, signature", async () => {
    const client = await register();
    const path = "/api/v1/test/event/1234567890123456";
    expect((await post(path, bytes([0xff]))).csn.message).toBe("Could not decode request.");
    expect((await post(path, bytes(signature(sign(client))))).csn.message).toBe(
      "Missing required field: event",
    );
    expect((await post(path, pick(sign(client, { secret: "" })))).csn.type).toBe(UNKNOWN_CLIENT);
  });

  it("of paths that nobody serves", async () => {
    for (const path of [
      "/api/v1/test/nothing",
      "/api/v1/test/event/abc",
      "/api/v1/test/event/",
      "/api",
      "/api/v1/test/event/007",
    ]) {
      const answer = await post(path, bytes());
      expect([path, answer.status, answer.csn.type]).toEqual([path, 404, PATH_NOT_FOUND]);
      expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    }
    for (const [path, message] of [
      ["/api/v1/test/event/1", "Invalid request"],
      ["/json/v1/x", "Invalid request"],
      ["/api", "Invalid request"],
      ["/apis", "404 page not found"],
      ["/", "404 page not found"],
      ["/%zz", "404 page not found"],
    ]) {
      const response = await fetch(`${edge.url}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(await response.text()).toBe(`{"status": "ERR", "message": "${message}"}`);
    }
  });
});

describe("replay protection", () => {
  it("answers the very same message again as success, and keeps it once", async () => {
    const client = await register();
    const path = `/api/v1/test/event/${client.id}`;
    const message = pick(sign(client));
    const answers = await Promise.all([post(path, message), post(path, message), post(path, message)]);
    answers.push(await post(path, message));
    expect(answers.map(({ status, csn }) => [status, csn.type])).toEqual(Array(4).fill([200, SUCCESS]));
    expect(await of(client)()).toHaveLength(1);
  });

  it("refuses another message under an id that was used", async () => {
    const client = await register();
    const signing = sign(client);
    await post(`/api/v1/test/event/${client.id}`, pick(signing));
    for (const message of [
      pick(signing, { readings: [9] }),
      pick({ ...signing, date: dateOf(Date.now() + 1) }),
    ]) {
      const answer = await post(`/api/v1/test/event/${client.id}`, message);
      expect([answer.status, answer.csn.type]).toEqual([400, INVALID_REQUEST]);
      expect(answer.csn.message).toMatch(/was used/);
    }
    const lifted = await post(`/api/v1/test/heartbeat/${client.id}`, heartbeat(signing));
    expect(lifted.csn.type).toBe(INVALID_REQUEST);
    expect(await of(client)()).toHaveLength(1);
  });

  it("holds over two edges side by side, for every kind of signed message", async () => {
    const client = await register();
    const event = { signing: sign(client), path: `/api/v1/test/event/${client.id}` };
    const update = { signing: sign(client), path: `/api/v1/test/client/update/${client.id}` };
    const asking = { signing: sign(client), path: `/api/v1/test/client/metadata/${client.id}` };
    const added = bytes(signature(update.signing), len(3, num(2, 2)));
    const first = await post(event.path, pick(event.signing));
    const firstUpdate = await post(update.path, added);
    await post(asking.path, bytes(signature(asking.signing)));
    await new Promise((resolve) => setTimeout(resolve, 300));

    const again = await post(event.path, pick(event.signing), {}, other);
    expect([first.status, again.status]).toEqual([200, 200]);
    const changed = await post(event.path, pick(event.signing, { readings: [9] }), {}, other);
    expect(changed.csn.type).toBe(INVALID_REQUEST);

    const updatedAgain = await post(update.path, added, {}, other);
    expect(updatedAgain.csn).toEqual({ type: SUCCESS, message: "" });
    expect(fieldsOf(updatedAgain.body).slice(1)).toEqual(fieldsOf(firstUpdate.body).slice(1));
    for (const { signing } of [update, asking]) {
      const lifted = await post(event.path, pick(signing), {}, other);
      expect(lifted.csn.type).toBe(INVALID_REQUEST);
    }
    const events = (await of(client)()).filter(({ body }) => body.case === "event");
    expect(events).toHaveLength(1);
    expect(neighbours.devices.get(`test/${client.id}`)?.sensors).toHaveLength(2);
  });

  it("survives a restart of the edge", async () => {
    const client = await register();
    const signing = sign(client);
    await post(`/api/v1/test/event/${client.id}`, pick(signing));
    const fresh = await startEdge(servers.nats.url, neighbours);
    try {
      for (;;) {
        const { checks } = (await (await fetch(`${fresh.url}/readyz`)).json()) as {
          checks: Record<string, string>;
        };
        if (checks["replay protection"] === "ok") break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const answer = await post(
        `/api/v1/test/event/${client.id}`,
        pick(signing, { readings: [9] }),
        {},
        fresh,
      );
      expect(answer.csn.message).toMatch(/was used/);
    } finally {
      await fresh.stop();
    }
  });
});

describe("CSN updates and metadata", () => {
  it("says so when an update changes nothing", async () => {
    const client = await register();
    const answer = await post(`/api/v1/test/client/update/${client.id}`, bytes(signature(sign(client))));
    expect(answer.status).toBe(200);
    expect(answer.csn).toEqual({
      type: SUCCESS,
      message: "No changes to client requested or all properties are already at their desired values.",
    });
  });

  it("adds and removes sensors, of which later events know at once", async () => {
    const client = await register();
    const path = `/api/v1/test/client/update/${client.id}`;
    const added = await post(path, bytes(signature(sign(client)), len(3, num(2, 2)), len(3, num(2, 3))));
    const ids = fieldsOf(added.body).filter(({ field }) => field === 2);
    expect(ids.map(({ value }) => value)).toEqual([1n, 2n]);
    const event = `/api/v1/test/event/${client.id}`;
    expect((await post(event, pick(sign(client), { sensor: 2 }))).status).toBe(200);
    const removed = await post(path, bytes(signature(sign(client)), len(5, [2])));
    expect(removed.csn.type).toBe(SUCCESS);
    expect((await post(event, pick(sign(client), { sensor: 2 }))).csn.type).toBe(UNKNOWN_SENSOR);
    expect((await post(path, bytes(signature(sign(client)), len(5, [9])))).csn).toEqual({
      type: UNKNOWN_SENSOR,
      message: 'Sensor "9" does not exist.',
    });
  });

  it("takes a sensor into account that was added through another edge a moment ago", async () => {
    const client = await register();
    const event = `/api/v1/test/event/${client.id}`;
    await post(event, pick(sign(client)));
    await post(
      `/api/v1/test/client/update/${client.id}`,
      bytes(signature(sign(client)), len(3, num(2, 2))),
      {},
      other,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await post(event, pick(sign(client), { sensor: 1 }))).status).toBe(200);
  });

  it("refuses to change a sensor's type", async () => {
    const client = await register();
    const sensor = len(4, [...num(1, 0), ...num(2, 2)]);
    const answer = await post(
      `/api/v1/test/client/update/${client.id}`,
      bytes(signature(sign(client)), sensor),
    );
    expect([answer.status, answer.csn.type]).toEqual([400, INVALID_REQUEST]);
  });

  it("tells a client's data, and its sensors if asked", async () => {
    const name = len(4, "roof");
    const pairs = [len(15, [...len(1, "port"), ...num(4, 7)]), len(15, [...len(1, "on"), ...num(5, 1)])];
    const created = await post(
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
    const plain = await post(path, bytes(signature(sign(client))));
    expect(fieldsOf(plain.body).map(({ field }) => field)).toEqual([1, 2]);
    const data = fieldsOf(fieldsOf(plain.body)[1]?.value as Uint8Array);
    expect(data).toContainEqual({ field: 4, value: new Uint8Array(Buffer.from("roof")) });
    expect(data).toContainEqual({ field: 8, value: 4n });
    expect(data.filter(({ field }) => field === 15)).toHaveLength(2);
    const full = await post(path, bytes(signature(sign(client)), num(2, 1)));
    const sensors = fieldsOf(full.body).filter(({ field }) => field === 3);
    expect(sensors.map(({ value }) => fieldsOf(value as Uint8Array))).toEqual([
      [
        { field: 1, value: 0n },
        { field: 2, value: 2n },
      ],
    ]);
  });
});
