import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bytes, dateOf, fieldsOf, heartbeat, len, num, signature } from "./hand.fixture.js";
import {
  type Client,
  type Posted,
  post,
  register,
  sign,
  signalsOf,
  startWorld,
  status,
  type World,
} from "./world.fixture.js";

const FROM = "2026-05-01T00:00:00.000";
const TO = "2026-05-01T00:10:00.000";

let world: World;
let client: Client;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());
beforeEach(async () => {
  // Two accelerometers at a place.
  const place = [...dblOf(1, 34.1), ...dblOf(2, -118.1)];
  const sensor = len(2, num(2, 0));
  client = await register(world.edge, bytes(len(1, place), sensor, sensor));
  world.neighbours.offersAreAway = false;
  world.neighbours.requests.clear();
});

function dblOf(field: number, value: number) {
  const buffer = Buffer.alloc(9);
  buffer[0] = field * 8 + 1;
  buffer.writeDoubleLE(value, 1);
  return [...buffer];
}

/** SensorReadingDescription. */
function description(o: { sensor?: number; current?: boolean; request?: bigint; more?: number[] } = {}) {
  const { sensor = 0, current, request, more = [] } = o;
  return [
    ...num(1, sensor),
    ...(current === undefined ? [] : num(2, current ? 1 : 0)),
    ...(request === undefined ? [] : num(3, request)),
    ...len(4, FROM),
    ...len(5, TO),
    ...num(8, 1),
    ...more,
  ];
}

const beat = (more: number[] = [], by = sign(client)) =>
  post(world.edge, `/api/v1/test/heartbeat/${client.id}`, heartbeat(by, more));
const offer = (offers: number[][], by = sign(client), at = world.edge) => {
  const body = bytes(signature(by), ...offers.map((one) => len(2, one)));
  return post(at, `/api/v1/test/data/offer/${client.id}`, body);
};
const values = (posted: Posted, field: number) =>
  fieldsOf(posted.body).flatMap((one) => (one.field === field ? [one.value] : []));
const texts = (posted: Posted, field: number) =>
  values(posted, field).map((value) => Buffer.from(value as Uint8Array).toString());
const ids = (posted: Posted) =>
  values(posted, 2).map(
    (request) => fieldsOf(request as Uint8Array).find(({ field }) => field === 3)?.value as bigint,
  );
const latest = (more: bigint) => num(8, more);
const asked = (more: object) => ({ device: client.id, expiresAt: BigInt(Date.now() + 60_000), ...more });
const NOON = BigInt(Date.UTC(2026, 4, 1, 12));

/** Until the edge has heard of it, which it does without being asked. */
async function heard(number: bigint): Promise<Posted> {
  for (;;) {
    const posted = await beat();
    expect(posted.csn.type).toBe(status.success);
    if (ids(posted).includes(number)) return posted;
  }
}

describe("the answer to a heartbeat", () => {
  it("of a client that nobody asks for anything is the same bytes each time", async () => {
    const posted = await beat();
    expect(Buffer.from(posted.body).toString("hex")).toBe("0a0208001800");
  });

  it("holds what the client has not heard of yet, as the protocol's tables have it", async () => {
    const first = await world.neighbours.ask(
      "test",
      asked({ start: NOON, end: NOON + 600_000n, sensor: "1" }),
    );
    const second = await world.neighbours.ask("test", asked({ current: true }));
    await world.neighbours.ask("test", { ...asked({ current: true }), device: "other" });
    const posted = await heard(second);
    const expected = bytes(
      len(1, num(1, 0)),
      len(2, [
        ...num(1, 1),
        ...num(3, first),
        ...len(4, "2026-05-01T12:00:00.000"),
        ...len(5, "2026-05-01T12:10:00.000"),
      ]),
      len(2, [...num(2, 1), ...num(3, second)]),
      num(3, second),
    );
    expect(Buffer.from(posted.body).toString("hex")).toBe(Buffer.from(expected).toString("hex"));
    expect(ids(await beat(latest(first)))).toEqual([second]);
    const nothing = await beat(latest(second));
    expect([ids(nothing), values(nothing, 3)]).toEqual([[], [second]]);
  });

  it("asks whoever is near, by the place of the heartbeat, else by that of the client", async () => {
    const points = [
      { latitude: 34.1, longitude: -118.1 },
      { latitude: -33, longitude: 151 },
    ];
    const near = { expiresAt: BigInt(Date.now() + 60_000), current: true, points, withinM: 2_000 };
    const number = await world.neighbours.ask("test", near);
    const posted = await heard(number);
    const [request] = values(posted, 2);
    const fields = fieldsOf(request as Uint8Array);
    expect(fields.filter(({ field }) => field === 6)).toHaveLength(2);
    expect(fields.find(({ field }) => field === 8)?.value).toBe(2_000n);
    const elsewhere = [...dblOf(2, 34.2), ...dblOf(3, -118.1)];
    expect(ids(await beat(elsewhere))).toEqual([]);
    const sydney = [...dblOf(2, -33.01), ...dblOf(3, 151)];
    expect(ids(await beat(sydney))).toEqual([number]);
  });

  it("does not hold what has expired", async () => {
    const number = await world.neighbours.ask(
      "test",
      asked({ current: true, expiresAt: BigInt(Date.now() - 1) }),
    );
    const open = await world.neighbours.ask("test", asked({ current: true }));
    expect(ids(await heard(open))).not.toContain(number);
  });

  it("has one URL for each offer of current data, in order, empty where it is not wanted", async () => {
    const by = sign(client);
    const offers = [0, 1, 0].flatMap((sensor) => len(9, description({ sensor, current: true })));
    const posted = await beat(offers, by);
    const url = (index: number) => `${world.edge.url}/uploads/${by.id}-${by.date}-${index}`;
    expect(texts(posted, 4)).toEqual([url(0), "", url(2)]);
    expect(world.neighbours.offered.at(-1)).toMatchObject({
      ...{ namespace: "test", device: client.id, identity: `${by.id}/${by.date}` },
      offers: [
        {
          sensor: "0",
          sensorType: "accelerometer-3-axis",
          current: true,
          format: "data-record",
          requestNumber: 0n,
        },
        { sensor: "1", current: true },
        { sensor: "0", start: BigInt(Date.parse(`${FROM}Z`)), end: BigInt(Date.parse(`${TO}Z`)) },
      ],
    });
    expect((await signalsOf(world, client)).map(({ body }) => body.case)).toEqual(["heartbeat"]);
  });

  it("is to be asked for again with the same message while nobody decides on offers", async () => {
    const by = sign(client);
    world.neighbours.offersAreAway = true;
    const refused = await beat(len(9, description({ current: true })), by);
    expect(refused).toMatchObject({ status: 503, csn: { type: 5 } });
    world.neighbours.offersAreAway = false;
    const taken = await beat(len(9, description({ current: true })), by);
    expect(texts(taken, 4)).toHaveLength(1);
    expect(await signalsOf(world, client)).toHaveLength(1);
  });
});

describe("data/offer", () => {
  it("answers with a URL for each offer, in order, and the same when it is sent again to another edge", async () => {
    const by = sign(client);
    const offers = [description({ request: 7n }), description({ sensor: 1, request: 7n })];
    const posted = await offer(offers, by);
    expect(posted).toMatchObject({ status: 200, csn: { type: status.success } });
    expect(texts(posted, 2)).toEqual([`${world.edge.url}/uploads/${by.id}-${by.date}-0`, ""]);
    const again = await offer(offers, by, world.other);
    expect(texts(again, 2)).toEqual([`${world.other.url}/uploads/${by.id}-${by.date}-0`, ""]);
    expect(world.neighbours.offered.slice(-2).map(({ identity }) => identity)).toEqual(
      Array(2).fill(`${by.id}/${by.date}`),
    );
  });

  it.each([
    ["sensor_id", 1],
    ["start_date", 4],
    ["end_date", 5],
    ["data_format", 8],
  ])("needs %s", async (name, field) => {
    const whole = [
      [1, num(1, 0)],
      [3, num(3, 7n)],
      [4, len(4, FROM)],
      [5, len(5, TO)],
      [8, num(8, 1)],
    ] as const;
    const posted = await offer([whole.flatMap(([number, part]) => (number === field ? [] : part))]);
    expect(posted).toMatchObject({
      status: 400,
      csn: { type: status.invalidRequest, message: `Missing required field: ${name}` },
    });
  });

  it("needs a request or current data, and says so of none", async () => {
    const missing = (name: string) => ({ csn: { type: 2, message: `Missing required field: ${name}` } });
    expect(await offer([description()])).toMatchObject(missing("request_id"));
    expect(await offer([description({ current: false })])).toMatchObject(missing("request_id"));
    expect(await offer([])).toMatchObject(missing("sensor_readings"));
    expect((await offer([description({ current: true })])).status).toBe(200);
  });

  it("refuses dates that are none, places that are none, sensors that the client does not have, and too many", async () => {
    const cases = [
      [[...num(1, 0), ...num(2, 1), ...len(4, "yesterday"), ...len(5, TO), ...num(8, 1)], 2],
      [[...num(1, 0), ...num(2, 1), ...len(4, TO), ...len(5, FROM), ...num(8, 1)], 2],
      [description({ current: true, more: [...dblOf(6, 91), ...dblOf(7, 0)] }), 2],
      [description({ sensor: 9, current: true }), status.unknownSensor],
    ] as const;
    for (const [one, type] of cases) {
      expect(await offer([[...one]])).toMatchObject({ status: 400, csn: { type } });
    }
    const posted = await offer(Array(65).fill(description({ current: true })));
    expect(posted).toMatchObject({ status: 400, csn: { type: 2 } });
  });

  it("is refused with a wrong signature, and of an unknown client", async () => {
    const forged = { ...sign(client), secret: "0".repeat(64) };
    expect(await offer([description({ current: true })], forged)).toMatchObject({
      status: 400,
      csn: { type: 2 },
    });
    const body = bytes(
      signature({ id: 0, secret: client.secret, date: dateOf(Date.now()) }),
      len(2, description({ current: true })),
    );
    const posted = await post(world.edge, "/api/v1/test/data/offer/1234567890123456", body);
    expect(posted.csn.type).toBe(status.unknownClient);
  });
});
