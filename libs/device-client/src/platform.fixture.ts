import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttps, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTls, type TLSSocket, type Server as TlsServer } from "node:tls";
import { localCertificate } from "@fieldlog/tls";
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { applied, type Properties } from "./properties/merge-patch.js";

const V5 = { protocolVersion: 5 } as const;

/** A publish that the stand-in took. */
export interface Taken {
  readonly topic: string;
  readonly payload: Buffer;
  readonly identity: string;
}

/** A stand-in for the platform: the same protocols on real sockets, in memory, as good or bad as a test wants it. */
export class Platform {
  readonly provisioningToken = `pt_${randomUUID()}`;
  workspaceId: string = randomUUID();
  /** By identity, as the platform stores them: what comes again changes nothing. */
  readonly taken = new Map<string, Taken>();
  readonly uploads = new Map<string, Buffer>();
  readonly connects: IConnectPacket[] = [];
  readonly subscribed = new Set<string>();
  readonly acknowledged: number[] = [];
  readonly answers: { topic: string; payload: string }[] = [];
  publishes = 0;
  desired = { version: 1, properties: {} as Properties };
  reported = { version: 1, properties: {} as Properties };
  /** What operators decide. */
  decision: "pending" | "approved" | "cancelled" | "expired" = "approved";
  approvedAs: string | undefined;
  /** Good registration tokens, and their devices. */
  readonly registrations = new Map<string, string>();
  disabled = false;
  /** Publishes are not acknowledged. */
  silent = false;
  refuse: (topic: string) => { code: number; reason: string } | undefined = () => undefined;
  certificate = "";
  private readonly sockets = new Set<TLSSocket>();
  private operation = { id: "", deviceId: "" };
  private https: HttpsServer | undefined;
  private mqtt: TlsServer | undefined;
  private ports = { https: 0, mqtt: 0 };
  private pem = { cert: "", key: "" };

  static async start(dir: string): Promise<Platform> {
    const platform = new Platform();
    const files = await localCertificate({ dir, hosts: ["localhost", "127.0.0.1"] });
    const server = await readFile(files.server, "utf8");
    platform.pem = { cert: server, key: server };
    platform.certificate = await readFile(files.ca, "utf8");
    await platform.open();
    return platform;
  }

  get instance(): string {
    return `localhost:${this.ports.https}`;
  }

  get mqttPort(): number {
    return this.ports.mqtt;
  }

  /** Is there again, at the same addresses. */
  async open(): Promise<void> {
    this.https = createHttps(this.pem, (request, response) => void this.serve(request, response));
    this.mqtt = createTls(this.pem, (socket) => this.converse(socket));
    const listening = (server: HttpsServer | TlsServer, port: number) =>
      new Promise<number>((resolve) =>
        server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
      );
    this.ports = {
      https: await listening(this.https, this.ports.https),
      mqtt: await listening(this.mqtt, this.ports.mqtt),
    };
  }

  async close(): Promise<void> {
    this.cut();
    this.https?.closeAllConnections();
    await Promise.all([this.https, this.mqtt].map((server) => new Promise((done) => server?.close(done))));
  }

  /** Ends all MQTT connections, as a bad line does. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** To the device that is connected. */
  push(topic: string, payload: string, packetId?: number, dup = false): void {
    const qos = packetId === undefined ? 0 : 1;
    const packet: IPublishPacket = { cmd: "publish", topic, payload, qos, dup, retain: false };
    for (const socket of this.sockets) {
      socket.write(generate(packetId === undefined ? packet : { ...packet, messageId: packetId }, V5));
    }
  }

  changeDesired(patch: Properties): void {
    const version = this.desired.version + 1;
    this.desired = { version, properties: applied(patch, this.desired.properties) };
    const body = JSON.stringify({ ...patch, $version: version });
    this.push(`$iothub/twin/PATCH/properties/desired/?$version=${version}`, body);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const [path = ""] = (request.url ?? "").split("?");
    const [status, body] = this.disabled
      ? [423, { title: "Locked" }]
      : this.answer(path, bytes, request.headers.authorization ?? "");
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  private answer(path: string, bytes: Buffer, authorization: string): [status: number, body: object] {
    const json = () => JSON.parse(bytes.toString() || "{}");
    const token = authorization.replace("DeviceToken ", "");
    const wrong: [number, object] = [401, { title: "Unauthorized" }];
    if (path === "/provisioning-operations/init") {
      if (token !== this.provisioningToken) return wrong;
      this.operation = { id: randomUUID(), deviceId: json().deviceId ?? "named-by-technician" };
      const expirationTime = new Date(Date.now() + 60_000).toISOString();
      return [
        200,
        { provisioningOperationId: this.operation.id, verificationCode: "K7QP-3M4X", expirationTime },
      ];
    }
    if (path === "/provisioning-operations/complete") return this.complete();
    if (path === "/devices/register") return this.registrations.has(token) ? this.register(token) : wrong;
    if (path.endsWith("/files")) {
      const { blobName } = json();
      const where = { hostName: this.instance, containerName: "c", sasToken: "?s=1" };
      return [200, { correlationId: "1", blobName: `x-${blobName}`, ...where }];
    }
    if (path.startsWith("/c/x-")) {
      this.uploads.set(path.slice("/c/x-".length), bytes);
      return [201, {}];
    }
    return [path.endsWith("/notifications") ? 204 : 404, {}];
  }

  private complete(): [number, object] {
    const type = "/problems/deviceProvisioning/provisioningOperation";
    if (this.decision === "pending") return [202, {}];
    if (this.decision === "cancelled") return [410, { type: `${type}Cancelled` }];
    if (this.decision === "expired") {
      this.decision = "approved";
      return [410, { type: `${type}Expired` }];
    }
    return this.tokenFor(this.approvedAs ?? this.operation.deviceId);
  }

  private tokenFor(deviceId: string): [number, object] {
    const registrationToken = `rr${randomUUID()}`;
    this.registrations.set(registrationToken, deviceId);
    return [201, { registrationToken }];
  }

  private register(token: string): [number, object] {
    const id = `${this.workspaceId}:${this.registrations.get(token)}`;
    const signature = `SharedAccessSignature sr=localhost&sig=${token}&se=1`;
    return [
      200,
      {
        connectionString: `HostName=localhost;DeviceId=${id};SharedAccessSignature=${signature}`,
        connectionStringType: "SharedAccessSignature",
        iotHubHostName: "localhost",
        connectionStringExpiration: new Date(Date.now() + 3_600_000).toISOString(),
        tokenRemainingLifetime: null,
      },
    ];
  }

  private converse(socket: TLSSocket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => {});
    const reader = parser(V5);
    reader.on("packet", (packet: Packet) => this.take(packet, socket));
    socket.on("data", (chunk) => reader.parse(chunk));
  }

  private take(packet: Packet, socket: TLSSocket): void {
    const reply = (answer: Packet) => socket.write(generate(answer, V5));
    switch (packet.cmd) {
      case "connect": {
        this.connects.push(packet);
        const good = this.registrations.has(/sig=(rr[^&]+)&/.exec(String(packet.password))?.[1] ?? "");
        reply({ cmd: "connack", reasonCode: this.disabled ? 0x88 : good ? 0 : 0x87, sessionPresent: false });
        return;
      }
      case "subscribe":
        for (const { topic } of packet.subscriptions) this.subscribed.add(topic);
        reply({
          cmd: "suback",
          messageId: packet.messageId as number,
          granted: packet.subscriptions.map(() => 1),
        });
        return;
      case "publish":
        this.published(packet, reply);
        return;
      case "puback":
        this.acknowledged.push(packet.messageId as number);
        return;
      case "pingreq":
        reply({ cmd: "pingresp" });
        return;
      default:
        return;
    }
  }

  private published(packet: IPublishPacket, reply: (answer: Packet) => void): void {
    const payload = Buffer.from(packet.payload);
    const [, id = ""] = /\$rid=([^&]+)/.exec(packet.topic) ?? [];
    this.publishes++;
    if (this.silent) return;
    const refusal = this.refuse(packet.topic);
    if (packet.qos === 1) {
      const messageId = packet.messageId as number;
      const properties = refusal === undefined ? {} : { reasonString: refusal.reason };
      reply({ cmd: "puback", messageId, reasonCode: refusal?.code ?? 0, properties });
    }
    if (refusal !== undefined) return;
    if (packet.topic.startsWith("$iothub/twin/GET/")) {
      const section = ({ version, properties }: Platform["desired"]) => ({
        ...properties,
        $version: version,
      });
      const body = JSON.stringify({ desired: section(this.desired), reported: section(this.reported) });
      this.push(`$iothub/twin/res/200/?$rid=${id}`, body);
    } else if (packet.topic.startsWith("$iothub/twin/PATCH/")) {
      const version = this.reported.version + 1;
      this.reported = { version, properties: applied(JSON.parse(String(payload)), this.reported.properties) };
      this.push(`$iothub/twin/res/204/?$rid=${id}&$version=${version}`, "");
    } else if (packet.topic.startsWith("$iothub/methods/")) {
      this.answers.push({ topic: packet.topic, payload: String(payload) });
    } else {
      const identity = identityOf(packet);
      this.taken.set(identity, { topic: packet.topic, payload, identity });
      if (packet.topic.startsWith("events/")) this.push(packet.topic, String(payload), this.publishes);
    }
  }
}

/** By what is told apart what a device sends: its own ids of a message, else the client's. */
function identityOf({ topic, properties }: IPublishPacket): string {
  const ids = /batch-id=[^&]*.*message-id=[^&]*(&chunk-id=[^&]*)?(?=.*?(&complete-message=true)?)/.exec(
    topic,
  );
  return ids === null ? String(properties?.userProperties?.["fieldlog-id"] ?? "") : ids.join("");
}
