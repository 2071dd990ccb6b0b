import { limits } from "@fieldlog/contracts";
import { Problem, readPublished, readSignature } from "@fieldlog/edge-http/decoders";
import { eventTopic, Malformed, readEvent, readHeartbeat } from "@fieldlog/edge-mqtt/decoders";
import { decodeMessage, InvalidMessage, parseMessage, Undecodable } from "@fieldlog/edge-websocket/decoders";
import { cloudEventJson, InvalidEvent, type PublishedEvent, parseEvent } from "@fieldlog/events";
import { encode } from "cborg";
import { decoding, headerOf, jsons, partsOf, type Target, texts } from "../target.js";

const cloudEvent = {
  ...{ specversion: "1.0", id: "1", source: "/namespaces/default/devices/lamp-1", type: "LightOn" },
  ...{ time: "2026-01-31T12:00:00Z", datacontenttype: "application/json", subject: "s", extension: 1 },
  data: { a: [1, { b: "c" }] },
};
const inBase64 = { ...cloudEvent, data: undefined, datacontenttype: "image/png", data_base64: "AAECAw==" };
const short = {
  ...{
    name: "LightOn",
    device: "lamp-1",
    id: "1",
    time: "2026-01-31T12:00:00.5+01:00",
    action: "on",
    value: 1,
  },
  ...{ location: { latitude: 34.1, longitude: -118.2 }, place: "Hall", data: { a: 1 }, readings: [1, 2.5] },
};
const sensors = { name: "Pick", readings: [{ sensor: "0", sensorType: "heat", values: [1, 2] }] };
const events = [cloudEvent, inBase64, short, sensors];
const words = [...Object.keys(cloudEvent), ...Object.keys(short), "data_base64", "sensorType", "values"];

/** Whatever is taken can be told to everybody. */
function tell(event: PublishedEvent): void {
  const { identity, name, action, value, place, source, data, extensions, dataContentType } = event;
  const json = cloudEventJson({
    ...{ position: 1, namespace: "default", device: event.device ?? "lamp-1", identity, name },
    ...{ action, value, place, source, occurredAt: event.occurredAt ?? 0, receivedAt: 0 },
    attributes: Object.fromEntries(extensions),
    data: data && toldData(data, dataContentType),
  });
  JSON.parse(json);
  if (/[\r\n]/.test(json)) throw new Error("an event's JSON has several lines");
}

function toldData(bytes: Uint8Array, type: string) {
  const contentType = type || "application/json";
  const isJson = /[/+]json$/i.test(contentType.split(";", 1)[0]?.trim() ?? "");
  return isJson ? { contentType, json: Buffer.from(bytes).toString() } : { contentType, bytes };
}

function tellAll(published: ReturnType<typeof readPublished>): void {
  for (const each of [published].flat()) if (!(each instanceof InvalidEvent)) tell(each);
}

const raises = [InvalidEvent, Problem];
const BATCH = { "content-type": "application/cloudevents-batch+json" };
const json = (name: string, seeds: Uint8Array[], run: Target["run"]): Target => ({
  ...{ name: `events/${name}`, shape: "json", seeds, words, run, mostBytes: limits.bodyBytes },
});

/** A line for each header, then the body. */
function request(input: Uint8Array): void {
  const [type, one, other, signature, body] = partsOf(input, 5) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const headers = {
    ...{ "content-type": headerOf(type), "ce-specversion": "1.0", "ce-type": "LightOn", "ce-id": "1" },
    ...{ "ce-source": headerOf(one), "ce-other": headerOf(other) },
    ...{
      "webhook-id": headerOf(one),
      "webhook-timestamp": headerOf(other),
      "webhook-signature": headerOf(signature),
    },
  };
  readSignature(headers);
  tellAll(readPublished(headers, body));
}

/** Events as each door takes them: HTTP, MQTT, WebSocket. */
export const eventTargets: readonly Target[] = [
  json(
    "json",
    jsons(...events),
    decoding((input) => tell(parseEvent(parsed(input))), { raises }),
  ),
  json(
    "body",
    jsons(...events, events),
    decoding((body) => tellAll(readPublished({}, body)), { raises }),
  ),
  json(
    "batch",
    jsons(events),
    decoding((body) => tellAll(readPublished(BATCH, body)), { raises }),
  ),
  {
    ...{ name: "events/binary", shape: "bytes", words, mostBytes: limits.bodyBytes },
    seeds: texts(
      'application/json\n/namespaces/default/devices/lamp-1\n1\nv1,AAAA v1,BBBB\n{"a":1}',
      "text/plain; charset=utf-8\nhttps://example.org/%41\n%e2%82%ac\n\nsome text",
    ),
    run: decoding(request, { raises }),
  },
  {
    ...{ name: "events/mqtt", shape: "bytes", words, mostBytes: limits.mqttPacketBytes },
    seeds: texts(
      'events/lamp-1/LightOn\napplication/json\n{"name":"LightOn","data":{"a":1}}',
      `events/lamp%2F1/LightOn\napplication/cloudevents+json\n${JSON.stringify(cloudEvent)}`,
      "events/lamp-1/LightOn\n\nany text",
    ),
    run: decoding(mqtt, { raises }),
  },
  json(
    "heartbeat",
    jsons({
      status: "update",
      sensors: ["0"],
      rates: [{ sensor: "0", eventCount: 1, windowS: 600 }],
      latestRequest: 1,
    }),
    decoding((input) => readHeartbeat("heartbeats/lamp-1", input), {
      refuses: (read) => read === undefined || read instanceof Malformed,
    }),
  ),
  json(
    "websocket",
    jsons(...messages()),
    decoding((input) => subscriberSays(input, "json"), { raises: [Undecodable, InvalidMessage] }),
  ),
  {
    ...{ name: "events/websocket-cbor", shape: "cbor", words, mostBytes: limits.bodyBytes },
    seeds: messages().map((message) => encode(message)),
    run: decoding((input) => subscriberSays(input, "cbor"), { raises: [Undecodable, InvalidMessage] }),
  },
];

function mqtt(input: Uint8Array): void {
  const [topic, contentType, payload] = partsOf(input, 3) as [Buffer, Buffer, Buffer];
  const given = eventTopic(topic.toString());
  if (given === undefined || given === "malformed") return;
  const properties = {
    contentType: contentType.toString(),
    userProperties: [["specversion", "1.0"]] as const,
  };
  const packet = {
    topic: topic.toString(),
    payload,
    qos: 1,
    retain: false,
    dup: false,
    clientId: "c",
  } as const;
  for (const each of [undefined, { contentType: contentType.toString() }, properties]) {
    decoding(() => tell(readEvent(given, { ...packet, properties: each })), { raises })(input);
  }
}

function messages(): object[] {
  const filter = { names: ["Light*"], conditions: [{ field: "data.a", op: "<", value: 1 }] };
  return [
    { type: "subscribe", key: "fl_1", namespace: "default", filter, from: "now", credit: 1 },
    { type: "subscribe", filters: [filter], from: 4096 },
    { type: "publish", ref: 1, event: short },
    { type: "publish", event: cloudEvent },
    ...[{ type: "ack", position: 1 }, { type: "credit", credit: 1 }, { type: "ping" }],
  ];
}

function subscriberSays(input: Uint8Array, encoding: "json" | "cbor"): void {
  const message = parseMessage(decodeMessage(encoding, Buffer.from(input), encoding === "cbor"));
  if (message.type === "publish" && !(message.event instanceof InvalidEvent)) tell(message.event);
}

/** As whoever reads a body does it. */
function parsed(input: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(input).toString());
  } catch {
    throw new InvalidEvent("", "is not JSON");
  }
}
