import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, dateOf, len, num, pick, signature } from "./hand.fixture.js";
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
    ["not a message", () => bytes([0xff, 0xff]), status.invalidRequest, "Could not decode request."],
    ["a wrong wire type", () => bytes(num(1, 5)), status.invalidRequest, "Could not decode request."],
    ["an empty body", () => bytes(), status.invalidRequest, "Missing required field: client_signature"],
    ["no event", (c) => bytes(signature(sign(c))), status.invalidRequest, "Missing required field: event"],
    [
      "no sensor_id",
      (c) => bytes(signature(sign(c)), len(5, without(1))),
      status.invalidRequest,
      "Missing required field: sensor_id",
    ],
    [
      "no readings",
      (c) => bytes(signature(sign(c)), len(5, without(3))),
      status.invalidRequest,
      "Missing required field: readings",
    ],
    [
      "no event_count",
      (c) => bytes(signature(sign(c)), len(5, without(5))),
      status.invalidRequest,
      "Missing required field: event_count",
    ],
    [
      "no time_window",
      (c) => bytes(signature(sign(c)), len(5, without(6))),
      status.invalidRequest,
      "Missing required field: time_window",
    ],
    [
      "no message_id",
      () => bytes(len(1, [...len(1, dateOf(0)), ...len(3, hex)]), len(5, sensorEvent)),
      status.invalidRequest,
      "Missing required field: message_id",
    ],
    [
      "no date",
      () => bytes(len(1, [...num(2, 1), ...len(3, hex)]), len(5, sensorEvent)),
      status.invalidRequest,
      "Missing required field: date",
    ],
    [
      "no signature",
      () => bytes(len(1, [...len(1, dateOf(0)), ...num(2, 1)]), len(5, sensorEvent)),
      status.invalidRequest,
      "Missing required field: signature",
    ],
    [
      "a bad date",
      (c) => bytes(signature(sign(c, { date: "2014-04-13T19:42:17" })), len(5, sensorEvent)),
      status.invalidRequest,
      'Datetime object "2014-04-13T19:42:17" was not parseable.',
    ],
    [
      "a bad detection date",
      (c) => bytes(signature(sign(c)), len(5, [...sensorEvent, ...len(4, "yesterday")])),
      status.invalidRequest,
      'Datetime object "yesterday" was not parseable.',
    ],
    [
      "a wrong signature",
      (c) => pick(sign(c, { secret: "x".repeat(64) })),
      status.invalidRequest,
      "Signature does not match.",
    ],
    [
      "an old date",
      (c) => pick(sign(c, { date: dateOf(Date.now() - 901_000) })),
      status.invalidRequest,
      /900 s away from the server's time, 20\d\d-\d\d-\d\dT/,
    ],
    [
      "a date ahead",
      (c) => pick(sign(c, { date: dateOf(Date.now() + 905_000) })),
      status.invalidRequest,
      /900 s away/,
    ],
    [
      "an unknown sensor",
      (c) => pick(sign(c), { sensor: 7 }),
      status.unknownSensor,
      'Sensor "7" does not exist.',
    ],
    ["another sensor type", (c) => pick(sign(c), { type: 2 }), status.invalidRequest, /another sensor_type/],
    ["NaN", (c) => pick(sign(c), { readings: [1, Number.NaN] }), status.invalidRequest, /not a number/],
    [
      "infinity",
      (c) => pick(sign(c), { readings: [Number.NEGATIVE_INFINITY] }),
      status.invalidRequest,
      /not a number/,
    ],
    [
      "one coordinate",
      (c) => bytes(signature(sign(c)), [0x11, 0, 0, 0, 0, 0, 0, 0, 0], len(5, sensorEvent)),
      status.invalidRequest,
      "Missing required field: longitude",
    ],
    [
      "no such latitude",
      (c) => bytes(pickParts(c, 90.5, 0)),
      status.invalidRequest,
      "Field latitude is out of range.",
    ],
    [
      "too many readings",
      (c) => pick(sign(c), { readings: Array(1025).fill(1) }),
      status.invalidRequest,
      /more than 1024 readings/,
    ],
  ])("of an event with %s", async (_what, make, type, message) => {
    const client = await register(world.edge);
    const answer = await post(world.edge, `/api/v1/test/event/${client.id}`, make(client));
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/x-protobuf");
    expect(answer.csn.type).toBe(type);
    expect(answer.csn.message).toEqual(
      typeof message === "string" ? message : expect.stringMatching(message),
    );
    expect(await signalsOf(world, client)).toEqual([]);
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
    const client = await register(world.edge);
    const rate = len(10, [...num(1, 0), ...num(2, 1)]);
    const answer = await post(
      world.edge,
      `/api/v1/test/heartbeat/${client.id}`,
      bytes(signature(sign(client)), rate),
    );
    expect(answer.csn).toEqual({
      type: status.invalidRequest,
      message: "Missing required field: time_window",
    });
  });

  it("of a client that is unknown, or known in another namespace only", async () => {
    const client = await register(world.edge);
    const unknown = await post(world.edge, "/api/v1/test/event/1234567890123456", pick(sign(client)));
    expect(unknown.status).toBe(400);
    expect(unknown.csn).toEqual({
      type: status.unknownClient,
      message: 'Client "1234567890123456" does not exist.',
    });
    for (const namespace of ["default", "nowhere"]) {
      const elsewhere = await post(world.edge, `/api/v1/${namespace}/event/${client.id}`, pick(sign(client)));
      expect(elsewhere.csn.type).toBe(status.unknownClient);
    }
  });

  it("come in the order of the reference: form, fields, client, signature", async () => {
    const client = await register(world.edge);
    const path = "/api/v1/test/event/1234567890123456";
    expect((await post(world.edge, path, bytes([0xff]))).csn.message).toBe("Could not decode request.");
    expect((await post(world.edge, path, bytes(signature(sign(client))))).csn.message).toBe(
      "Missing required field: event",
    );
    expect((await post(world.edge, path, pick(sign(client, { secret: "" })))).csn.type).toBe(
      status.unknownClient,
    );
  });

  it("of paths that nobody serves", async () => {
    for (const path of [
      "/api/v1/test/nothing",
      "/api/v1/test/event/abc",
      "/api/v1/test/event/",
      "/api",
      "/api/v1/test/event/007",
    ]) {
      const answer = await post(world.edge, path, bytes());
      expect([path, answer.status, answer.csn.type]).toEqual([path, 404, status.pathNotFound]);
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
      const response = await fetch(`${world.edge.url}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get("content-type")).toMatch(/^application\/json/);
      expect(await response.text()).toBe(`{"status": "ERR", "message": "${message}"}`);
    }
  });
});
