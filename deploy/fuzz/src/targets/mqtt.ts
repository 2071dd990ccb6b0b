import { limits } from "@fieldlog/contracts";
import * as mqtt from "@fieldlog/edge-mqtt/decoders";
import { decoding, partsOf, type Target, textOf, texts } from "../target.js";

const { Framer, Reader, INCOMPLETE } = mqtt;
type Version = 4 | 5;

/** A packet: its length is put in behind its first byte. */
function framed(first: number, ...hex: string[]): Buffer {
  const body = Buffer.from(hex.join("").replaceAll(" ", ""), "hex");
  return Buffer.concat([Buffer.of(first, body.length), body]);
}

/** Packets, after their version and the size of the chunks in which they come. */
const stream = (version: Version, chunk: number, ...packets: Buffer[]): Uint8Array =>
  Buffer.concat([Buffer.of(version, chunk), ...packets]);

const NAME = "0004 4d515454";
const TOPIC = "0003 612f62";
const FILTER = "0003 612f23";
const CONNECT_4 = framed(
  0x10,
  NAME,
  "04 ce 003c",
  "0001 63",
  TOPIC,
  "0003 616263",
  "0004 75736572",
  "0001 70",
);
const CONNECT_5 = framed(0x10, NAME, "05 02 003c", "0a 1100000005 210010 1701", "0001 63");
const PUBLISH_4 = framed(0x32, TOPIC, "0001", "68656c6c6f");
const PUBLISH_5 = framed(0x32, TOPIC, "0001", "0d 26 00016b 000176 0101 03 000178", "6869");
const SUBSCRIBE_4 = framed(0x82, "0002", FILTER, "01");
const SUBSCRIBE_5 = framed(0x82, "0002", "02 0b01", FILTER, "02", "0001 23", "00");
const OTHERS_5 = Buffer.concat([
  framed(0x40, "0001"),
  framed(0x50, "0001 10 00"),
  framed(0x62, "0001"),
  framed(0x70, "0001 92"),
  framed(0xa2, "0003 00", FILTER),
  framed(0xc0),
  framed(0xe0, "00 05 1100000001"),
]);

/** Everything that comes from one client, as a connection reads it. */
function packets(input: Uint8Array): void {
  const version: Version = ((input[0] ?? 0) & 1) === 0 ? 4 : 5;
  const size = Math.max(1, input[1] ?? 1);
  const bytes = Buffer.from(input.subarray(2));
  const framer = new Framer();
  const reader = new Reader();
  // Pieces of a byte each are for short streams: they cost what packets of a network cost.
  const step = Math.max(size, Math.ceil(bytes.length / 4_096));
  for (let at = 0; at < bytes.length; at += step) {
    framer.push(bytes.subarray(at, at + step));
    for (let first = framer.next(reader); first !== INCOMPLETE; first = framer.next(reader)) {
      packet(reader, first, version);
    }
  }
}

function packet(reader: InstanceType<typeof Reader>, first: number, version: Version): void {
  switch (first >> 4) {
    case 1:
      mqtt.saysVersion5(reader, reader.at);
      mqtt.readConnect(reader);
      return;
    case 3:
      mqtt.readPublish(reader, first & 15, version);
      return;
    case 4:
    case 5:
      mqtt.readAcknowledgment(reader, version, false);
      return;
    case 6:
    case 7:
      mqtt.readAcknowledgment(reader, version, true);
      return;
    case 8:
      mqtt.readSubscribe(reader, version);
      return;
    case 10:
      mqtt.readUnsubscribe(reader, version);
      return;
    case 14:
      mqtt.readDisconnect(reader, version);
      return;
    default:
      reader.rest();
  }
}

/** A filter and topics: the tree finds what the filter alone matches. */
function filters(input: Uint8Array): boolean {
  const [text, ...topics] = partsOf(input, 4).map((part) => part.toString());
  const parsed = mqtt.parseFilter(text ?? "");
  if (parsed === undefined) return false;
  const tree = new mqtt.TopicTree<number>();
  tree.add(parsed.filter, 1);
  for (const topic of topics.filter(mqtt.isTopicName)) {
    let found = 0;
    tree.match(topic, () => found++);
    const matches = mqtt.matchesFilter(parsed.filter, topic);
    if (found !== Number(matches)) throw new Error(`the tree finds ${found}, the filter ${matches}`);
  }
  tree.delete(parsed.filter, 1);
  if (tree.size !== 0) throw new Error("the tree keeps what was deleted");
  return true;
}

const TOPICS = ["measurements", "heartbeats", "acknowledgments", "logs", "log-messages"];

function tenta(input: Uint8Array): ReturnType<typeof mqtt.readTenta> | undefined {
  const [topic, payload] = partsOf(input, 2) as [Buffer, Buffer];
  const kind = mqtt.tentaTopic(topic.toString())?.kind;
  return kind === undefined || kind === "configurations" ? undefined : mqtt.readTenta(kind, payload);
}

/** Packets, topics and payloads of MQTT, tenta's included (services/edge-mqtt). */
export const mqttTargets: readonly Target[] = [
  {
    ...{ name: "mqtt/packets", shape: "bytes", mostBytes: limits.mqttPacketBytes },
    seeds: [
      stream(4, 200, CONNECT_4, PUBLISH_4, SUBSCRIBE_4),
      stream(5, 7, CONNECT_5, PUBLISH_5, SUBSCRIBE_5, OTHERS_5),
      stream(5, 1, PUBLISH_5, OTHERS_5),
    ],
    words: ["\0\x04MQTT\x05", "\0\x04MQTT\x04", "\0\x06MQIsdp\x03", "$share/g/a"],
    run: decoding(packets, { raises: [mqtt.BadPacket] }),
  },
  {
    ...{ name: "mqtt/filters", shape: "text", mostBytes: 4 * limits.mqttTopicBytes },
    seeds: texts("a/+/#\na/b\na/b/c\na", "$share/g/+/b\na/b\n$a/b\n/b", "#\n/\n$SYS/a\na//b"),
    words: ["$share/", "+/", "/#", "$SYS"],
    run: filters,
  },
  {
    ...{ name: "mqtt/tenta", shape: "bytes", mostBytes: limits.mqttPacketBytes },
    seeds: texts(
      'measurements/d\n[{"timestamp":1.5,"revision":1,"value":{"a_b":1,"c":2.5}}]',
      'measurements/d\n{"measurements":[{"timestamp":1,"value":{"a":1}}]}',
      'heartbeats/d\n{"heartbeats":[{"revision":1,"success":true,"timestamp":1}]}',
      'acknowledgments/d\n[{"revision":1,"success":false,"timestamp":1}]',
      'logs/d\n[{"severity":"info","message":"m","timestamp":1}]',
      'log-messages/d\n{"log_messages":[{"severity":"error","subject":"s","details":null,"timestamp":1}]}',
    ),
    words: [...TOPICS, "revision", "timestamp", "details", "subject", "1e400", "1.0"],
    run: decoding(tenta, { refuses: (read) => read === undefined || read instanceof mqtt.Malformed }),
  },
  {
    ...{ name: "mqtt/event-topics", shape: "text", mostBytes: limits.mqttTopicBytes },
    seeds: texts("events/lamp-1/LightOn", "events/a%2Fb%25/%00", "events//"),
    words: ["events/", "%2F", "%2B"],
    run: decoding((input) => mqtt.eventTopic(textOf(input)), {
      encode: (topic) => (typeof topic === "object" ? Buffer.from(mqtt.eventTopicOf(topic)) : undefined),
    }),
  },
];
