import { describe, expect, it } from "vitest";
import { problem, staged } from "../staged.fixture.js";

describe("events publish", () => {
  it("sends the short form, and says where it stands", async () => {
    const { run, asked, said } = staged([{ status: 201, body: { position: 4096, id: "4096" } }]);
    const line =
      'events publish Light -n home --device lamp --action on --value 25 --place hall --data {"a":[1]}';
    expect(await run(line)).toBe(0);
    expect(asked).toMatchObject([
      {
        method: "POST",
        url: "http://127.0.0.1:8080/v1/namespaces/home/events",
        body: { name: "Light", device: "lamp", action: "on", value: "25", place: "hall", data: { a: [1] } },
      },
    ]);
    expect(said.out).toBe("Published at position 4096.\n");
  });

  it("says so where data is no JSON", async () => {
    const { run, said } = staged();
    expect(await run("events publish Light --data {a:1}")).toBe(2);
    expect(said.err).toContain("It must be JSON");
  });
});

describe("events tail", () => {
  const event = (position: number) => ({
    position,
    type: "pick",
    source: "/namespaces/default/devices/7",
    id: String(position),
    time: "2026-05-01T12:00:00Z",
    data: {
      sensor: "0",
      sensorType: "accelerometer-3-axis",
      readings: [0.123456, -2, 3],
      location: { latitude: 1, longitude: 2 },
    },
  });

  it("reads on from the beginning through pages to the end", async () => {
    const { run, asked, said } = staged([
      { body: { events: [event(4096), event(4097)], next: 4097 } },
      { body: { events: [event(8192)], next: null } },
    ]);
    expect(await run("events tail --from beginning --no-follow --device 7 --type pick")).toBe(0);
    expect(asked.map(({ url }) => url.split("/events")[1])).toEqual([
      "?after=0&limit=500&device=7&type=pick",
      "?after=4097&limit=500&device=7&type=pick",
    ]);
    expect(said.out.split("\n")[0]).toBe(
      "2026-05-01 12:00:00Z  pick        7                 sensor 0 accelerometer-3-axis 0.1235 -2 3 at 1.0000,2.0000  #4096",
    );
  });

  it("shows what a thing did, and any data", async () => {
    const { data: _, ...rest } = event(4096);
    const light = { ...rest, type: "Light", device: "lamp", action: "on", value: "25", place: "hall" };
    const events = [light, { ...rest, data: { open: true } }, { ...rest, data_base64: "AAE=" }];
    const { run, said } = staged([{ body: { events, next: null } }]);
    expect(await run("events tail --from beginning --no-follow")).toBe(0);
    expect(said.out.split("\n").map((line) => line.slice(22).replaceAll(/ +/g, " "))).toEqual([
      "Light lamp on 25 in hall #4096",
      'pick 7 {"open":true} #4096',
      "pick 7 base64 AAE= #4096",
      "",
    ]);
  });

  it("follows, waits while the server is away, and stops after the limit", async () => {
    const { run, asked, said } = staged([
      { body: { events: [event(4096)], next: null } },
      { body: { events: [], next: null } },
      problem(503, { title: "Away" }),
      Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } }),
      { body: { events: [event(8192)], next: null } },
    ]);
    expect(await run("events tail --from 0 --limit 2 --json")).toBe(0);
    expect(
      said.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).position),
    ).toEqual([4096, 8192]);
    expect(said.err).toBe("Away; waiting\n");
    expect(asked.at(-1)?.url).toContain("after=4096&limit=1");
  });

  it("does not wait when the first request is refused, or the key is revoked meanwhile", async () => {
    const first = staged([problem(503, { title: "Away" })]);
    expect(await first.run("events tail --from 0")).toBe(1);
    const later = staged([{ body: { events: [], next: null } }, problem(401, { title: "Unauthenticated" })]);
    expect(await later.run("events tail --from 0")).toBe(1);
  });
});
