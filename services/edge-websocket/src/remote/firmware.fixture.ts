import { createHmac } from "node:crypto";
import { until } from "@fieldlog/testkit";
import { WebSocket } from "ws";
import type { Json } from "../client.fixture.js";
import { Reader, write } from "./cbor-by-hand.fixture.js";

/** Bytes of the buffer that takes a whole frame, of its texts, and of the key that signs. */
const FRAME = 512;
const TEXT = 127;
const HMAC_KEY = 32;

export interface SampleRequest {
  label: string;
  length: number;
  path: string;
  hmacKey: string;
  interval: number;
  sensor?: string;
}

export interface FirmwareOptions {
  readonly apiKey: string;
  readonly deviceId: string;
  /** The door that takes uploads. */
  readonly url?: string;
}

/** A board, after the rules of Zephyr's firmware: CBOR alone, a buffer of 512 bytes, and only what it knows. */
export class Firmware {
  /** What it has understood, and what it has not. */
  readonly requests: SampleRequest[] = [];
  readonly errors: string[] = [];
  state: "connecting" | "connected" | "refused" = "connecting";
  closed: number | undefined;
  readonly socket: WebSocket;

  constructor(
    url: string,
    private readonly options: FirmwareOptions,
  ) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on("open", () => this.say({ hello: this.hello() }));
    // Text frames are dropped.
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.received(data);
      else this.errors.push("a text frame");
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code) => {
      this.closed = code;
    });
  }

  static async connected(url: string, options: FirmwareOptions): Promise<Firmware> {
    const board = new Firmware(url, options);
    await until("connected", () => board.state === "connected");
    return board;
  }

  say(message: Json): void {
    this.socket.send(write(message));
  }

  /** As the nRF7002 DK samples: it reports, uploads, and does not look at what becomes of it. */
  async sample({ label, path, hmacKey, interval }: SampleRequest): Promise<number> {
    this.say({ sample: true });
    this.say({ sampleStarted: true });
    this.say({ sampleUploading: true });
    const response = await fetch(`${this.options.url}${path}`, {
      method: "POST",
      headers: {
        ...{ "content-type": "application/cbor", "x-api-key": this.options.apiKey },
        ...{ "x-file-name": `${label}.cbor`, "x-label": label },
      },
      body: new Uint8Array(signed(this.document(interval), hmacKey)),
    });
    this.say({ sampleFinished: true });
    return response.status;
  }

  private hello(): Json {
    const { apiKey, deviceId } = this.options;
    return {
      ...{ version: 3, connection: "ip", apiKey, deviceId, deviceType: "NORDIC_NRF7002_DK" },
      supportsSnapshotStreaming: false,
      sensors: [{ name: "Accelerometer", maxSampleLengthS: 60, frequencies: [62.5, 100] }],
    };
  }

  private document(interval: number): Json {
    return {
      protected: { ver: "v1", alg: "HS256" },
      signature: "0".repeat(64),
      payload: {
        ...{ device_name: this.options.deviceId, device_type: "NORDIC_NRF7002_DK", interval_ms: interval },
        sensors: [
          { name: "accX", units: "m/s2" },
          { name: "accY", units: "m/s2" },
        ],
        values: [
          [-9.81, 0.5],
          [-9.5, 0.25],
        ],
      },
    };
  }

  /** Its first key says what a message is. */
  private received(frame: Buffer): void {
    if (frame.length > FRAME) {
      this.errors.push(`a frame of ${frame.length} bytes`);
      return;
    }
    let key = "";
    try {
      const reader = new Reader(frame);
      reader.map();
      key = reader.text(TEXT);
      this.understand(key, reader);
    } catch (error) {
      this.errors.push(`${key}: ${(error as Error).message}`);
      if (key === "sample") this.say({ sample: false, error: (error as Error).message });
    }
  }

  private understand(key: string, reader: Reader): void {
    if (key === "hello") this.state = reader.flag() ? "connected" : "refused";
    else if (key === "sample") this.requests.push(requestIn(reader));
    else if (key === "err") this.errors.push(`err: ${reader.text(FRAME)}`);
    else throw new TypeError("unknown");
  }
}

/** All keys but the sensor must be there, and no others. */
function requestIn(reader: Reader): SampleRequest {
  const request: Json = {};
  for (let left = reader.map(); left === undefined ? !reader.isBreak() : left-- > 0; ) {
    const key = reader.text(TEXT);
    if (key === "length") request[key] = reader.integer();
    else if (key === "interval") request[key] = reader.number();
    else if (key === "hmacKey") request[key] = reader.text(HMAC_KEY);
    else if (["label", "path", "sensor"].includes(key)) request[key] = reader.text(TEXT);
    else throw new TypeError(key);
  }
  const missing = ["label", "length", "path", "hmacKey", "interval"].find((key) => !(key in request));
  if (missing !== undefined) throw new TypeError(missing);
  return request as unknown as SampleRequest;
}

/** HS256 over the document as it is sent, with zeros in the place of the signature. */
function signed(document: Json, hmacKey: string): Buffer {
  const bytes = write(document);
  const signature = createHmac("sha256", hmacKey).update(bytes).digest("hex");
  bytes.write(signature, bytes.indexOf("0".repeat(64)));
  return bytes;
}
