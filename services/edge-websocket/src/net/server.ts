import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { limits } from "@fieldlog/contracts";
import { type WebSocket, WebSocketServer } from "ws";
import { asyncapi } from "../asyncapi.js";
import { type Encoding, SUBPROTOCOLS } from "../protocol/codec.js";

/** Connections that the kernel holds until they are accepted, so that all may come back at once. */
const BACKLOG = 4_096;
/** Bytes of a message: an event of the largest size, and what is said around it. */
const MESSAGE_BYTES = limits.signalBytes + 32 * 1024;
export const PATH = "/v1/subscribe";

/** A client that is there. */
export interface Arrival {
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly encoding: Encoding;
  /** Header Authorization. */
  readonly authorization: string | undefined;
}

export interface ServerSettings {
  readonly bind: string;
  readonly wsPort: number;
}

/** The door's listener: WebSocket at {@link PATH}, and the document that describes it. */
export class SocketServer {
  private readonly server: Server;
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => protocolOf(offered) ?? false,
  });

  constructor(
    private readonly settings: ServerSettings,
    accept: (arrival: Arrival) => void,
  ) {
    this.server = createServer(
      {
        noDelay: true,
        headersTimeout: limits.webSocketHelloMs,
        requestTimeout: limits.webSocketHelloMs,
        maxHeaderSize: limits.headerBytes,
        connectionsCheckingInterval: 1_000,
      },
      answer,
    );
    this.server.maxConnections = limits.webSocketConnections;
    this.server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head, accept));
  }

  /** Resolves to its address, ws://host:port. */
  async start(): Promise<string> {
    const { bind, wsPort } = this.settings;
    const { server } = this;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: wsPort, host: bind, backlog: BACKLOG }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    const { port } = server.address() as AddressInfo;
    const host = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
    return `ws://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** Takes no more connections. Those that are there stay. */
  stop(): void {
    this.server.close();
    this.server.closeIdleConnections();
  }

  private upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accept: (arrival: Arrival) => void,
  ): void {
    socket.on("error", () => socket.destroy());
    const offered = offeredBy(request);
    if (pathOf(request) !== PATH) refuse(socket, "404 Not Found");
    else if (offered.size > 0 && protocolOf(offered) === undefined) refuse(socket, "400 Bad Request");
    else {
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const encoding = SUBPROTOCOLS[webSocket.protocol] ?? "json";
        accept({ webSocket, socket, encoding, authorization: request.headers.authorization });
      });
    }
  }
}

/** None offered: JSON. */
function protocolOf(offered: ReadonlySet<string>): string | undefined {
  return Object.keys(SUBPROTOCOLS).find((name) => offered.has(name));
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

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request);
  if (path === "/v1/asyncapi.json" && request.method === "GET") {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(asyncapi));
  } else if (path === PATH) {
    response.writeHead(426, { upgrade: "websocket", connection: "close" }).end("WebSocket only\n");
  } else response.writeHead(404, { connection: "close" }).end();
}
