import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { limits } from "@fieldlog/contracts";
import { listen, type ServerCertificate, type TlsOptions } from "@fieldlog/runtime";
import { type WebSocket, WebSocketServer } from "ws";
import { asyncapi } from "../asyncapi.js";

/** A client that is there. */
export interface Arrival {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly request: IncomingMessage;
}

/** What is served at one path. */
export interface Route {
  readonly path: string;
  /** Bytes of one message of a client; a larger one ends its connection with 1009. */
  readonly messageBytes: number;
  /** In order of preference. Who offers some and none of these is refused; undefined: whatever is offered, none is spoken. */
  readonly protocols?: readonly string[];
  accept(arrival: Arrival): void;
}

export interface ServerSettings {
  readonly bind: string;
  readonly wsPort: number;
  readonly wssPort: number;
}

/** How the door behaves towards those who are slow or send too much. */
const options = {
  noDelay: true,
  headersTimeout: limits.webSocketHelloMs,
  requestTimeout: limits.webSocketHelloMs,
  maxHeaderSize: limits.headerBytes,
  connectionsCheckingInterval: 1_000,
} as const;

/** The door's listeners: WebSocket at the paths of its routes, by TLS too, and the document that describes them. */
export class SocketServer {
  private readonly servers: Server[] = [];
  private readonly routes: ReadonlyMap<string, { route: Route; sockets: WebSocketServer }>;

  constructor(
    private readonly settings: ServerSettings,
    routes: readonly Route[],
    /** Without one there is no TLS. */
    private readonly certificate?: ServerCertificate,
  ) {
    this.routes = new Map(routes.map((route) => [route.path, { route, sockets: socketsOf(route) }]));
  }

  /** Resolves to its addresses, ws://host:port and, where there is a certificate, wss://host:port. Raises SettingsError. */
  async start(): Promise<[string, string?]> {
    const { bind, wsPort, wssPort } = this.settings;
    const tls = await this.certificate?.read();
    const plain = await listen(this.server(), { protocol: "ws", bind, port: wsPort });
    if (tls === undefined) return [plain];
    return [plain, await listen(this.server(tls), { protocol: "wss", bind, port: wssPort })];
  }

  /** Takes no more connections. Those that are there stay. */
  stop(): void {
    for (const server of this.servers) {
      server.close();
      server.closeIdleConnections();
    }
  }

  private server(tls?: TlsOptions): Server {
    const server = tls ? this.tlsServer(tls) : createServer(options);
    server.maxConnections = limits.webSocketConnections;
    server.on("request", (request, response) => this.answer(request, response));
    server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    this.servers.push(server);
    return server;
  }

  private tlsServer(tls: TlsOptions): Server {
    const server = createTlsServer({ ...options, ...tls, handshakeTimeout: limits.webSocketHelloMs });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.certificate?.follow(server);
    return server;
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const found = this.routes.get(pathOf(request));
    if (found === undefined) {
      refuse(socket, "404 Not Found");
      return;
    }
    const { route, sockets } = found;
    const offered = offeredBy(request);
    if (offered.size > 0 && route.protocols && spokenOf(route, offered) === undefined) {
      refuse(socket, "400 Bad Request");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => route.accept({ webSocket, socket, request }));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    if (path === "/v1/asyncapi.json" && request.method === "GET") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(asyncapi));
    } else if (this.routes.has(path)) {
      response.writeHead(426, { upgrade: "websocket", connection: "close" }).end("WebSocket only\n");
    } else response.writeHead(404, { connection: "close" }).end();
  }
}

function socketsOf(route: Route): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload: route.messageBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => spokenOf(route, offered) ?? false,
  });
}

function spokenOf({ protocols = [] }: Route, offered: ReadonlySet<string>): string | undefined {
  return protocols.find((name) => offered.has(name));
}

function offeredBy({ headers }: IncomingMessage): Set<string> {
  const given = headers["sec-websocket-protocol"] ?? "";
  return new Set(given.split(",").flatMap((name) => name.trim() || []));
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
