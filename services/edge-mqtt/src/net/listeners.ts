import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { limits } from "@fieldlog/contracts";
import { listen, type ServerCertificate, type Settings, type TlsOptions } from "@fieldlog/runtime";
import { WebSocketServer } from "ws";
import { SocketWire } from "./socket-wire.js";
import { WebSocketWire } from "./web-socket-wire.js";
import type { Wire, WireReceiver } from "./wire.js";

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
  /** Present when there is a certificate. */
  readonly wss?: string;
}

type ListenerSettings = Pick<Settings, "bind" | "mqttPort" | "mqttsPort" | "mqttWsPort" | "mqttWssPort">;

interface OpenWire extends Wire {
  open(receiver: WireReceiver): void;
}

/** Makes who is told of a new connection. */
export type Accept = (wire: Wire) => WireReceiver;

/** The door's listeners: MQTT over TCP and over WebSocket; where there is a certificate, both over TLS as well. */
export class Listeners {
  private readonly servers: Server[] = [];
  private open = 0;

  constructor(
    private readonly settings: ListenerSettings,
    private readonly certificate: ServerCertificate,
    private readonly accept: Accept,
    private readonly maximum: number = limits.mqttConnections,
    /** Told of each connection that was one too many. */
    private readonly onRefused: () => void = () => undefined,
  ) {}

  /** Opens them. Raises SettingsError if the certificate cannot be used. */
  async start(): Promise<MqttAddresses> {
    const { mqttPort, mqttsPort, mqttWsPort, mqttWssPort } = this.settings;
    const tls = await this.certificate.read();
    const plain = {
      mqtt: await this.listen(this.tcpServer(), "mqtt", mqttPort),
      ws: await this.listen(this.webServer(), "ws", mqttWsPort),
    };
    if (tls === undefined) return plain;
    return {
      ...plain,
      mqtts: await this.listen(this.tlsServer(tls), "mqtts", mqttsPort),
      wss: await this.listen(this.webServer(tls), "wss", mqttWssPort),
    };
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

  private tcpServer(): Server {
    const server = createServer({ noDelay: true });
    server.on("connection", (socket) => {
      if (this.admit(socket)) this.begin(new SocketWire(socket, "tcp"));
    });
    return server;
  }

  private tlsServer(options: TlsOptions): Server {
    const server = createTlsServer({ ...options, noDelay: true, handshakeTimeout: limits.mqttConnectMs });
    server.on("connection", (socket: Socket) => this.admit(socket));
    server.on("secureConnection", (socket) => this.begin(new SocketWire(socket, "tls")));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.certificate.follow(server);
    return server;
  }

  private webServer(tls?: TlsOptions): HttpServer {
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: WEB_SOCKET_BYTES,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: () => SUBPROTOCOL, // [MQTT-6.0.0-4]
    });
    const server = this.httpServer(tls);
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
      sockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.begin(new WebSocketWire(webSocket, tls ? "wss" : "ws")),
      );
    });
    return server;
  }

  private httpServer(tls: TlsOptions | undefined): HttpServer {
    const options = {
      noDelay: true,
      headersTimeout: limits.mqttConnectMs,
      requestTimeout: limits.mqttConnectMs,
      maxHeaderSize: limits.headerBytes,
      connectionsCheckingInterval: 1_000,
    };
    if (tls === undefined) return createHttpServer(options);
    const server = createHttpsServer({ ...options, ...tls, handshakeTimeout: limits.mqttConnectMs });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.certificate.follow(server);
    return server;
  }

  private listen(server: Server, protocol: string, port: number): Promise<string> {
    this.servers.push(server);
    return listen(server, { protocol, bind: this.settings.bind, port });
  }
}
