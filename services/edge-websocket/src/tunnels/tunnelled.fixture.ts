import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeviceClient, type StartOptions } from "@fieldlog/device-client";
import { freePort } from "@fieldlog/servers";
import { type System, until } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { WebSocket } from "ws";
import { Api, type Json } from "../client.fixture.js";

/** Where devices come in by TLS: settings of a system, and what its devices trust. */
export async function withTls() {
  const dir = await mkdtemp(join(tmpdir(), "fieldlog-tunnels-"));
  const files = await localCertificate({ dir, hosts: ["localhost", "127.0.0.1"] });
  const httpsPort = await freePort();
  const settings = {
    ...{ FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
    FIELDLOG_HTTPS_PORT: String(httpsPort),
  };
  const ca = await readFile(files.ca, "utf8");
  return { dir, ca, httpsPort, settings, remove: () => rm(dir, { recursive: true }) };
}

/** A device of namespace test with our client, which needs nobody's approval. */
export async function startDevice(
  system: System,
  { dir, ca, httpsPort }: Awaited<ReturnType<typeof withTls>>,
  deviceId: string,
  more: Pick<StartOptions, "allowRemoteAccess">,
): Promise<DeviceClient> {
  const { json } = await new Api(system).call("POST", "namespaces/test/provisioning-tokens", {
    ...{ name: deviceId, approved: true },
  });
  return await DeviceClient.start({
    ...{ deviceId, ca, db: join(dir, `${deviceId}.db`), provisioningToken: String(json["token"]) },
    ...{ instance: `localhost:${httpsPort}`, approvalPollMs: 50, ...more },
    displayProvisioningOperation: () => undefined,
    mqttPort: Number(new URL(system.mqttsUrl).port),
  });
}

/** A TCP server on loopback, for one kind of connection. */
export async function serveTcp(serve: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

/** An operator's end of a tunnel. */
export class Operator {
  closed: { code: number; reason: string } | undefined;
  /** An empty message came. */
  ended = false;
  private readonly chunks: Buffer[] = [];
  private readonly socket: WebSocket;

  /** @param options host: what the door is told that it is called, where it sends the device; ca: whom it trusts, by TLS */
  constructor(url: string, { host = new URL(url).host, ca = "" } = {}) {
    this.socket = new WebSocket(url, { headers: { host }, ca });
    this.socket.on("message", (data: Buffer) => {
      if (data.length === 0) this.ended = true;
      else this.chunks.push(data);
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  get got(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async send(data: Uint8Array): Promise<void> {
    await until("open", () => this.socket.readyState === WebSocket.OPEN);
    this.socket.send(data);
  }

  /** Nothing follows. */
  end(): Promise<void> {
    return this.send(Buffer.alloc(0));
  }

  close(): void {
    this.socket.close();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  async closing(): Promise<{ code: number; reason: string }> {
    return await until("it is closed", () => this.closed);
  }
}

/** The token of a URL that opens a tunnel, for whichever edge. */
export function tokenIn(json: Json): string {
  return new URL(String(json["webSocketUrl"] ?? json["tunnelSecureUri"])).searchParams.get("token") ?? "";
}
