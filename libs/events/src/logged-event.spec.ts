import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { endOf, positionOf, signals } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEvents } from "./read-events.js";

const namespace = { id: "n1", name: "default" };

type Init = MessageInitShape<typeof signals.SignalSchema>;

function read(...list: Init[]) {
  const batch = create(signals.SignalBatchSchema, { signals: list });
  return readEvents(7, toBinary(signals.SignalBatchSchema, batch), namespace);
}

interface More {
  readonly identity?: string;
  readonly device?: string;
  readonly location?: { latitude: number; longitude: number };
}
type Fields = MessageInitShape<typeof signals.EventSchema>;

function event(fields: Fields, more: More = {}): Init {
  const base = { device: "d 1", receivedAt: 2_000n, occurredAt: 1_000n, ...more };
  return { ...base, body: { case: "event", value: create(signals.EventSchema, fields) } };
}

function jsonOf(init: Init): unknown {
  return JSON.parse(read(init)[0]?.json().toString() ?? "");
}

describe("events of a commit", () => {
  it("are found among other signals, with their positions", () => {
    const heartbeat: Init = { device: "d", body: { case: "heartbeat", value: {} } };
    const found = read(heartbeat, event({ name: "a" }), heartbeat, event({ name: "b" }));
    expect(found.map(({ position, name }) => [position, name])).toEqual([
      [positionOf(7, 1), "a"],
      [positionOf(7, 3), "b"],
    ]);
    expect(found[1]?.position).toBeLessThan(endOf(7));
    expect(found[0]?.bytes).toBeGreaterThan(100);
  });

  it("are no reason to trust bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        try {
          return Array.isArray(readEvents(1, data, namespace));
        } catch (error) {
          return error instanceof RangeError;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("an event as JSON", () => {
  it("is a CloudEvents object with what its sender said", () => {
    const init = event(
      {
        ...{ name: "door", action: "opened", value: "42", place: 'Living "Room"', subject: "s" },
        ...{ dataSchema: "urn:x", extensions: { team: "red" } },
        data: Buffer.from('{"a":\n{"b":[1,"x"]}}'),
      },
      { identity: "id-1" },
    );
    expect(jsonOf(init)).toEqual({
      ...{ specversion: "1.0", id: "id-1", source: "/namespaces/default/devices/d%201", type: "door" },
      ...{ time: "1970-01-01T00:00:01.000Z", datacontenttype: "application/json" },
      ...{ subject: "s", dataschema: "urn:x", team: "red", device: "d 1" },
      ...{ action: "opened", value: "42", place: 'Living "Room"' },
      ...{ recordedtime: "1970-01-01T00:00:02.000Z", position: positionOf(7, 0) },
      data: { a: { b: [1, "x"] } },
    });
    expect(read(init)[0]?.json().includes("\n")).toBe(false);
  });

  it("says little where little was said", () => {
    expect(jsonOf(event({ source: "urn:mine" }))).toEqual({
      ...{ specversion: "1.0", id: String(positionOf(7, 0)), source: "urn:mine", type: "unnamed" },
      ...{ time: "1970-01-01T00:00:01.000Z", device: "d 1", recordedtime: "1970-01-01T00:00:02.000Z" },
      position: positionOf(7, 0),
    });
  });

  it("has what sensors measured as data, unless there is other data", () => {
    const reading = { sensor: "0", sensorType: "accelerometer", values: [3, 4] };
    expect(jsonOf(event({ name: "pick", reading }))).toMatchObject({
      datacontenttype: "application/json",
      data: { sensor: "0", readings: [3, 4] },
    });
    expect(jsonOf(event({ name: "pick", reading, data: Buffer.from("1") }))).toMatchObject({ data: 1 });
  });

  it.each([
    ["text/plain; charset=utf-8", Buffer.from("ü"), { data: "ü" }],
    ["text/plain", Buffer.of(0xff), { data_base64: "/w==" }],
    ["application/octet-stream", Buffer.of(1, 2), { data_base64: "AQI=" }],
    ["application/x.y+json", Buffer.from("[1]"), { data: [1] }],
  ])("keeps data of type %s", (dataContentType, data, expected) => {
    expect(jsonOf(event({ name: "x", dataContentType, data }))).toMatchObject({
      datacontenttype: dataContentType,
      ...expected,
    });
  });

  it("is JSON whatever the texts are", () => {
    const text = fc.string({ unit: "binary" }).map((each) => each.toWellFormed());
    fc.assert(
      fc.property(text, text, text, (name, device, value) => {
        const found = jsonOf(event({ name, value }, { device })) as Record<string, unknown>;
        return (
          found["type"] === (name || "unnamed") && found["device"] === device && found["value"] === value
        );
      }),
    );
  });
});

describe("what filters ask of an event", () => {
  const data = Buffer.from('{"t":21.5,"deep":{"list":["x",{"y":2}]},"no":true}');
  const reading = { sensor: "0", sensorType: "accelerometer", values: [3, 4] };
  const otherReadings = [{ sensor: "1", sensorType: "thermometer", values: [20] }];
  const [found] = read(
    event({ name: "x", reading, otherReadings, data }, { location: { latitude: 1, longitude: 2 } }),
  );

  it.each([
    ["magnitude", 5],
    ["readings.1", 4],
    ["readings.2", undefined],
    ["readings.length", undefined],
    ["data.t", 21.5],
    ["data.deep.list.0", "x"],
    ["data.deep.list.1.y", 2],
    ["data.deep.list.length", 2],
    ["data.no", undefined],
    ["data.__proto__", undefined],
    ["data.constructor.name", undefined],
    ["other", undefined],
  ])("%s is %s", (name, expected) => {
    expect(found?.field(name)).toBe(expected);
  });

  it("has sensors and a place on earth", () => {
    expect(found?.sensorTypes).toEqual(["accelerometer", "thermometer"]);
    expect([found?.latitude, found?.longitude]).toEqual([1, 2]);
    const [bare] = read(event({ name: "x" }));
    expect([bare?.latitude, bare?.sensorTypes, bare?.field("magnitude")]).toEqual([undefined, [], undefined]);
  });

  it("finds nothing in data that is not JSON", () => {
    const [text] = read(event({ data: Buffer.from("{"), dataContentType: "application/json" }));
    expect(text?.field("data.a")).toBeUndefined();
  });
});
