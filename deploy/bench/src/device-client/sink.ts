import { readFile } from "node:fs/promises";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { localCertificate } from "@fieldlog/tls";
import type { SinkOrder, SinkReport } from "./orders.js";

const [CONNECT, PUBLISH, SUBSCRIBE, PINGREQ] = [1, 3, 8, 12];
const CONNACK = Buffer.from([0x20, 3, 0, 0, 0]);
const PINGRESP = Buffer.from([0xd0, 0]);
const TWIN = Buffer.from('{"desired":{"$version":1},"reported":{"$version":1}}');
const IN_AN_HOUR_MS = 3_600_000;

/**
 * The least that a device needs of the platform: it lets it in, answers for its properties, and acknowledges what it
 * publishes, at once. It looks at no more of a message than its number.
 */
export class Sink {
  private seen = new Uint8Array();
  private messages = 0;
  private acknowledging = true;
  private readonly sockets = new Set<TLSSocket>();
  private ports = { httpsPort: 0, mqttPort: 0, ca: "" };

  async obey(order: SinkOrder): Promise<SinkReport> {
    if (order.kind === "open") await this.open(order.dir, order.most);
    if (order.kind === "acknowledge") {
      this.acknowledging = order.now;
      for (const socket of this.sockets) socket.destroy();
    }
    return { ...this.ports, messages: this.messages };
  }

  private async open(dir: string, most: number): Promise<void> {
    this.seen = new Uint8Array(most);
    const files = await localCertificate({ dir, hosts: ["localhost"] });
    const pem = await readFile(files.server, "utf8");
    const https = createHttps({ cert: pem, key: pem }, (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(answerTo(request.url ?? "")));
    });
    const mqtt = createTls({ cert: pem, key: pem }, (socket) => this.converse(socket));
    this.ports = {
      ...{ httpsPort: await listening(https), mqttPort: await listening(mqtt) },
      ca: await readFile(files.ca, "utf8"),
    };
  }

  private converse(socket: TLSSocket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const answers: Buffer[] = [];
      let at = 0;
      for (;;) {
        const header = readHeader(bytes, at);
        if (header === undefined || header.end > bytes.length) break;
        this.take(bytes[at] as number, bytes.subarray(header.start, header.end), answers);
        at = header.end;
      }
      rest = Buffer.from(bytes.subarray(at));
      if (answers.length > 0) socket.write(Buffer.concat(answers));
    });
  }

  private take(first: number, body: Buffer, answers: Buffer[]): void {
    const type = first >> 4;
    if (type === CONNECT) answers.push(CONNACK);
    if (type === PINGREQ) answers.push(PINGRESP);
    if (type === SUBSCRIBE) {
      // As many as the device has filters of its own.
      answers.push(Buffer.from([0x90, 7, body[0] ?? 0, body[1] ?? 0, 0, 1, 1, 1, 1]));
    }
    if (type === PUBLISH) this.published(body, answers);
  }

  private published(body: Buffer, answers: Buffer[]): void {
    const end = 2 + body.readUInt16BE(0);
    const isTwin = body[2] === "$".charCodeAt(0);
    if (!isTwin && !this.acknowledging) return;
    answers.push(Buffer.from([0x40, 2, body[end] ?? 0, body[end + 1] ?? 0]));
    if (isTwin) {
      const id = /\$rid=([^&]+)/.exec(body.toString("latin1", 2, end))?.[1] ?? "";
      answers.push(publish(`$iothub/twin/res/200/?$rid=${id}`, TWIN));
      return;
    }
    // Behind the properties, of which there are fewer than 128 bytes.
    const number = Number.parseInt(body.toString("latin1", end + 3 + (body[end + 2] ?? 0), end + 123), 10);
    if (this.seen[number] === 0) {
      this.seen[number] = 1;
      this.messages++;
    }
  }
}

function answerTo(path: string): object {
  const inAnHour = new Date(Date.now() + IN_AN_HOUR_MS).toISOString();
  if (path.endsWith("/init")) {
    return { provisioningOperationId: "1", verificationCode: "1", expirationTime: inAnHour };
  }
  if (path.endsWith("/register")) {
    return {
      connectionString: "HostName=localhost;DeviceId=bench:device;SharedAccessSignature=s",
      ...{ connectionStringType: "SharedAccessSignature", iotHubHostName: "localhost" },
      connectionStringExpiration: inAnHour,
    };
  }
  return { registrationToken: "rr1" };
}

function readHeader(bytes: Buffer, at: number): { start: number; end: number } | undefined {
  let [length, factor] = [0, 1];
  for (let i = at + 1; i < Math.min(bytes.length, at + 5); i++) {
    const byte = bytes[i] as number;
    length += (byte & 127) * factor;
    if (byte < 128) return { start: i + 1, end: i + 1 + length };
    factor *= 128;
  }
  return undefined;
}

/** With QoS 0, and shorter than 16 KiB. */
function publish(topic: string, payload: Buffer): Buffer {
  const length = 3 + topic.length + payload.length;
  const head = Buffer.from([0x30, (length & 127) | 128, length >> 7, topic.length >> 8, topic.length & 255]);
  return Buffer.concat([head, Buffer.from(topic), Buffer.from([0]), payload]);
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}
