import { InvalidEvent, type PublishedEvent } from "@fieldlog/events";
import { assert, constantFrom, property, string, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import type { InboundProperties } from "../publish/inbound.js";
import { readEvent } from "./read-event.js";
import { eventTopic, eventTopicOf } from "./topics.js";

const TOPIC = { device: "lamp", name: "Light" };

function read(payload: string | Uint8Array, properties?: InboundProperties): PublishedEvent {
  const message = { topic: "", qos: 1, retain: false, dup: false, clientId: "c" } as const;
  return readEvent(TOPIC, { ...message, payload: Buffer.from(payload), properties });
}
const cloudEvent = { specversion: "1.0", id: "7", source: "/somewhere", type: "Light" };
const text = ({ data }: PublishedEvent) => data && Buffer.from(data).toString();

describe("the payload of an event", () => {
  it("is the short form if it is an object of its members; device and name are the topic's", () => {
    expect(read('{"action":"on","value":3}')).toMatchObject({ ...TOPIC, action: "on", value: "3" });
    expect(read('{"name":"Light","device":"lamp","data":{"a":1}}')).toMatchObject(TOPIC);
  });

  it("is a CloudEvent if it says so", () => {
    expect(read(JSON.stringify(cloudEvent))).toMatchObject({ ...TOPIC, identity: "7", source: "/somewhere" });
    const contentType = "application/cloudevents+json; charset=utf-8";
    expect(read(JSON.stringify(cloudEvent), { contentType })).toMatchObject({ identity: "7" });
  });

  it("is the data of a CloudEvent whose attributes are user properties", () => {
    const userProperties = [
      ...Object.entries(cloudEvent),
      ["traceparent", "00-1"],
      ["room", "hall"],
    ] as const;
    const event = read("<on/>", { contentType: "text/xml", userProperties });
    expect(event).toMatchObject({
      identity: "7",
      dataContentType: "text/xml",
      extensions: [["room", "hall"]],
    });
    expect(text(event)).toBe("<on/>");
  });

  it.each([
    ['{"temperature":21}', "", undefined],
    ["25", "", undefined],
    ["on", "text/plain", undefined],
    ["on", "text/html", "text/html"],
    [Buffer.from([0xff]), "application/octet-stream", undefined],
  ])("is the event's data otherwise: %s is %s", (payload, dataContentType, contentType) => {
    const event = read(payload, contentType === undefined ? undefined : { contentType });
    expect(event).toMatchObject({ ...TOPIC, dataContentType });
    expect(Buffer.from(event.data ?? [])).toEqual(Buffer.from(payload));
  });

  it("may be empty", () => {
    expect(read("")).toMatchObject({ ...TOPIC, data: undefined });
  });

  it.each([
    ["another device", '{"device":"other"}', undefined],
    ["another name", JSON.stringify({ ...cloudEvent, type: "Door" }), undefined],
    ["several events", "[]", { contentType: "application/cloudevents-batch+json" }],
    ["no CloudEvent", "on", { contentType: "application/cloudevents+json" }],
    ["no JSON, as it says", "on", { contentType: "application/json" }],
  ])("is refused: %s", (_, payload, properties) => {
    expect(() => read(payload, properties)).toThrow(InvalidEvent);
  });

  it("raises InvalidEvent and nothing else, whatever it is", () => {
    const contentTypes = constantFrom("", "application/json", "application/cloudevents+json", "x");
    assert(
      property(uint8Array(), contentTypes, (payload, contentType) => {
        try {
          read(payload, { contentType });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidEvent);
        }
      }),
    );
  });
});

describe("the topic of an event", () => {
  it("has what would mean something else percent-encoded", () => {
    expect(eventTopicOf({ device: "key:1", name: "a/b+c#d%" })).toBe("events/key:1/a%2Fb%2Bc%23d%25");
    expect(eventTopicOf({ device: "lamp", name: "" })).toBe("events/lamp/");
  });

  it("tells device and name again", () => {
    const level = string({ unit: "binary" }).filter((each) => each.isWellFormed() && !each.includes("\0"));
    assert(
      property(level, level, (device, name) => {
        const topic = eventTopicOf({ device, name });
        expect(topic).not.toMatch(/[+#\0]/);
        expect(eventTopic(topic)).toEqual({ device, name });
      }),
    );
  });

  it("is no other", () => {
    expect(["events", "events/lamp", "events/lamp/a/b", "event/lamp/a"].map(eventTopic)).toEqual(
      Array(4).fill(undefined),
    );
    expect(["events/lamp/50%", "events/lamp/%ff", "events/lamp/%00"].map(eventTopic)).toEqual(
      Array(3).fill("malformed"),
    );
  });
});

it("is not one of those that the platform alone publishes, in whatever form", () => {
  const topic = { device: "lamp", name: "DeviceBecameActive" };
  const message = { topic: "", qos: 1, retain: false, dup: false, clientId: "c" } as const;
  for (const payload of ["", "bytes", "{}"]) {
    expect(() => readEvent(topic, { ...message, payload: Buffer.from(payload) })).toThrow(InvalidEvent);
  }
});
