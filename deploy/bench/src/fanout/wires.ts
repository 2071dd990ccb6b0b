import { connectPacket } from "../mqtt/packets.js";
import { type Framing, mqttFraming, webSocketFraming } from "./framing.js";

/** How a subscriber or a publisher comes in. */
export interface Lane {
  /** What it says at first: a message of Fieldlog's protocol; of MQTT the topic that it subscribes to. */
  readonly hello: string;
  readonly key?: string;
}

/** A protocol, as far as it is needed to count. */
export interface Wire {
  readonly framing: Framing;
  /** Whether an HTTP answer comes before the first message. */
  readonly isUpgraded: boolean;
  /** What is sent at once, and when that is answered; the answer to the last one means that it is ready. */
  opening(lane: Lane, number: number): readonly [Buffer, Buffer];
  publish(number: number, event: object, payloadBytes: number): Buffer;
  /** What has to be answered, if anything. Raises Error for what means that the server refuses. */
  answer(type: number, payload: Buffer): Buffer | undefined;
}

const [CLOSE, PING] = [8, 9];

export const webSocket: Wire = {
  framing: webSocketFraming,
  isUpgraded: true,
  opening: ({ hello, key }) => [
    Buffer.from(
      [
        "GET /v1/subscribe HTTP/1.1",
        "Host: bench",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: fieldlog.json",
        ...(key ? [`Authorization: Bearer ${key}`] : []),
        "\r\n",
      ].join("\r\n"),
    ),
    frame(0x81, Buffer.from(hello)),
  ],
  publish: (number, event) =>
    frame(0x81, Buffer.from(JSON.stringify({ type: "publish", ref: String(number), event }))),
  answer: (type, payload) => {
    if (type === PING) return frame(0x8a, payload);
    const text = payload.toString();
    if (type === CLOSE) throw new Error(`closed: ${text.slice(2)}`);
    if (text.startsWith('{"type":"error"')) throw new Error(text);
    return undefined;
  },
};

/** With a mask of zeros, which leaves the payload as it is. */
function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? [first, 0x80 | length] : [first, 0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

const [CONNACK, SUBACK] = [2, 9];

export const mqtt: Wire = {
  framing: mqttFraming,
  isUpgraded: false,
  opening: ({ hello }, number) => [
    connectPacket({ clientId: `bench-${process.pid}-${number}` }, 0),
    packet(0x82, Buffer.concat([Buffer.from([0, 1]), prefixed(hello), Buffer.from([0])])),
  ],
  publish: (_, __, payloadBytes) =>
    packet(0x30, Buffer.concat([prefixed("bench"), Buffer.alloc(payloadBytes, "fieldlog ")])),
  answer: (type, payload) => {
    if (type === CONNACK && payload[1] === 0) return undefined;
    if (type === SUBACK && payload[2] === 0) return undefined;
    throw new Error(`a packet of type ${type}`);
  },
};

function packet(first: number, body: Buffer): Buffer {
  const { length } = body;
  const head = length < 128 ? [first, length] : [first, (length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from(head), body]);
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
