import { readFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { limits } from "@fieldlog/contracts";
import { type Settings, SettingsError } from "@fieldlog/runtime";
import { WebSocketServer } from "ws";
import { SocketWire } from "./socket-wire.js";
import { WebSocketWire } from "./web-socket-wire.js";
import type { Wire, WireReceiver } from "./wire.js";

/** Connections that the kernel holds until they are accepted, so that a fleet may come back all at once. */
const BACKLOG = 4_096;
/** Bytes of one WebSocket message: the largest packet, and what came before it in the same message. */
const WEB_SOCKET_BYTES = limits.mqttPacketBytes + 64 * 1024;
/** The subprotocol of MQTT over WebSocket [MQTT-6.0.0-3]. */
const SUBPROTOCOL = "mqtt";

/** Addresses that devices can reach the door under. */
export interface MqttAddresses {
  /** E.g. `mqtt://127.0.0.1:1883`. */
  readonly mqtt: string;
  /** Present when there is a certificate. */
  readonly mqtts?: string;
  /** E.g. `ws://127.0.0.1:8083`. */
  readonly ws: string;
}

type ListenerSettings = Pick<
  Settings,
  "bind" | "mqttPort" | "mqttsPort" | "mqttWsPort" | "tlsCert" | "tlsKey"
>;

interface OpenWire extends Wire {
  open(receiver: WireReceiver): void;
}

/** Makes who is told of a new connection. */
export type Accept = (wire: Wire) => WireReceiver;

/** The door's listeners: MQTT over TCP, over TLS where there is a certificate, over WebSocket. */
export class Listeners {
  private readonly servers: Server[] = [];
  private open = 0;

  constructor(
    private readonly settings: ListenerSettings,
    private readonly accept: Accept,
    private readonly maximum: number = limits.mqttConnections,
    /** Told of each connection that was one too many. */
    private readonly onRefused: () => void = () => undefined,
  ) {}

  /** Opens them. Raises SettingsError if the certificate cannot be used. */
  async start(): Promise<MqttAddresses> {
    const { bind, mqttPort, mqttsPort, mqttWsPort, tlsCert, tlsKey } = this.settings;
    const tcp = createServer({ noDelay: true });
    tcp.on("connection", (socket) => {
      if (this.admit(socket)) this.begin(new SocketWire(socket, "tcp"));
    });
    const web = this.webServer();
    await this.listen(tcp, mqttPort, bind);
    await this.listen(web, mqttWsPort, bind);
    const addresses = { mqtt: urlOf("mqtt", bind, tcp), ws: urlOf("ws", bind, web) };
    if (tlsCert === undefined || tlsKey === undefined) return addresses;
    const tls = await this.tlsServer(tlsCert, tlsKey);
    await this.listen(tls, mqttsPort, bind);
    return { ...addresses, mqtts: urlOf("mqtts", bind, tls) };
  }

  /** Takes no more connections. Those that are there stay. */
  stop(): void {
    for (const server of this.servers) server.close();
  }

  private begin(wire: OpenWire): void {
    wire.open(this.accept(wire));
  }

  /** Counts a connection; false, and closed, where it is one too many. */
  private admit(socket: Socket): boolean {
    if (this.open >= this.maximum) {
      this.onRefused();
      socket.destroy();
      return false;
    }
    this.open++;
    socket.once("close", this.onClose);
    return true;
  }

  private readonly onClose = () => {
    this.open--;
  };

  private async tlsServer(certFile: string, keyFile: string): Promise<Server> {
    try {
      const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
      const server = createTlsServer({
        ...{ cert, key, minVersion: "TLSv1.2", noDelay: true },
        handshakeTimeout: limits.mqttConnectMs,
      });
      server.on("connection", (socket: Socket) => this.admit(socket));
      server.on("secureConnection", (socket) => this.begin(new SocketWire(socket, "tls")));
      server.on("tlsClientError", (_error, socket) => socket.destroy());
      return server;
    } catch (error) {
      throw new SettingsError([`FIELDLOG_TLS_CERT and FIELDLOG_TLS_KEY: ${(error as Error).message}`]);
    }
  }

  private webServer(): HttpServer {
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: WEB_SOCKET_BYTES,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: () => SUBPROTOCOL, // [MQTT-6.0.0-4]
    });
    const server = createHttpServer({
      noDelay: true,
      headersTimeout: limits.mqttConnectMs,
      requestTimeout: limits.mqttConnectMs,
      maxHeaderSize: limits.headerBytes,
      connectionsCheckingInterval: 1_000,
    });
    server.on("connection", (socket: Socket) => this.admit(socket));
    server.on("request", (_request, response) => {
      response.writeHead(426, { upgrade: "websocket", connection: "close" }).end("MQTT over WebSocket\n");
    });
    server.on("upgrade", (request, socket, head) => {
      const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
      if (!offered.includes(SUBPROTOCOL)) {
        socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => this.begin(new WebSocketWire(webSocket)));
    });
    return server;
  }

  private listen(server: Server, port: number, host: string): Promise<void> {
    this.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host, backlog: BACKLOG }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  }
}

/** Where every address is bound, this machine's own is named. */
function urlOf(protocol: string, bind: string, server: Server): string {
  const { port } = server.address() as AddressInfo;
  const host = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
