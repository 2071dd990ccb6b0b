import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { limits } from "@fieldlog/contracts";
import {
  addressOf,
  BACKLOG,
  edgeImpulsePorts,
  listen,
  type Runtime,
  type ServerCertificate,
  SettingsError,
  type TlsOptions,
} from "@fieldlog/runtime";
import {
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from "fastify";
import { problem } from "../native/problem.js";
import { lateAnswer, mayTakeItsTime, type PlainAnswer } from "./late.js";
import { unmatched } from "./unmatched.js";

/** How the door behaves towards those who are slow, send too much, or never leave. */
const httpOptions = {
  headersTimeout: limits.requestMs,
  requestTimeout: limits.requestMs,
  keepAliveTimeout: limits.idleConnectionMs,
  maxHeaderSize: limits.headerBytes,
  connectionsCheckingInterval: 1_000,
} as const;

/**
 * Fastify without its logging and its closing manners, which {@link Listeners} has instead.
 *
 * @param requestMs within which a whole request must have arrived
 */
export function createFastify(requestMs: number = limits.requestMs): FastifyInstance {
  const options: FastifyHttpOptions<Server> = {
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: httpOptions.keepAliveTimeout,
    http: { ...httpOptions, headersTimeout: requestMs, requestTimeout: requestMs },
    forceCloseConnections: "idle",
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => answerBroken(error, socket),
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (_error, request, reply) => answerUnmatched(request.raw, reply as FastifyReply),
  };
  const app = fastify(options) as FastifyInstance;
  app.addHook("onRequest", refuseNul);
  return app;
}

/** Nothing that there is has NUL in its name, and PostgreSQL takes no text with it. */
function refuseNul({ raw }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const { url = "" } = raw;
  if (url.includes("%00") && url.split("?", 1)[0]?.includes("%00")) answerUnmatched(raw, reply);
  else done();
}

function answerUnmatched(request: IncomingMessage, reply: FastifyReply): void {
  const { status, contentType, body, headers = {} } = unmatched(request);
  void reply.code(status).type(contentType).headers(headers).send(Buffer.from(body, "latin1"));
}

/** Answers what could not be read as a request: too slow, too long, or no HTTP at all. Closes the connection. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && mayTakeItsTime(socket)) return;
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, contentType, body } = brokenAnswer(error.code, socket);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.end(head + body, "latin1");
  // A sender that does not take its answer is not waited for.
  setTimeout(() => socket.destroy(), 1_000).unref();
}

function brokenAnswer(code: string | undefined, socket: Socket): PlainAnswer {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return lateAnswer(socket) ?? problem(408, "The request did not arrive in time.");
    case "HPE_HEADER_OVERFLOW":
      return problem(431, `The headers are larger than ${limits.headerBytes} bytes.`);
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return problem(413, "The chunk extensions are too large.");
    default:
      return problem(400, "This is not HTTP/1.1.");
  }
}

/** Addresses that devices and people can reach the door under. */
export interface Addresses {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly http: string;
  /** Present when there is a certificate. */
  readonly https?: string;
  /** Present with FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS. */
  readonly studio?: string;
  readonly ingestion?: string;
}

/** The door's listeners: HTTP, and HTTPS where there is a certificate. */
export class Listeners {
  private tls: TlsServer | undefined;
  /** Beside the door's own. */
  private readonly more: Server[] = [];
  stopping = false;
  /** Connections on which no request has come yet. Node counts them as at work, not as idle. */
  private readonly silent = new Set<Socket>();
  /** Connections that are open. */
  readonly open = { http: 0, https: 0 };

  constructor(
    private readonly app: FastifyInstance,
    private readonly settings: Runtime["settings"],
    private readonly certificate: ServerCertificate,
  ) {}

  /** Opens them; `app` is ready. Raises SettingsError if the certificate or a port of Edge Impulse cannot be used. */
  async start(): Promise<Addresses> {
    const { bind, httpPort, httpsPort, edgeImpulseLocalPorts } = this.settings;
    const { server } = this.app;
    server.maxConnections = limits.connections;
    this.watch(server, "connection");
    await this.app.listen({ host: bind, port: httpPort, backlog: BACKLOG });
    const plain = edgeImpulseLocalPorts ? await this.openEdgeImpulse() : {};
    const http = addressOf(server, { protocol: "http", bind });
    const tls = await this.certificate.read();
    if (tls === undefined) return { http, ...plain };
    this.tls = this.tlsServer(tls);
    this.tls.maxConnections = limits.connections;
    this.watch(this.tls, "secureConnection");
    return { http, https: await listen(this.tls, { protocol: "https", bind, port: httpsPort }), ...plain };
  }

  private tlsServer(options: TlsOptions): TlsServer {
    const server = createTlsServer({ ...httpOptions, ...options }, this.app.routing);
    server.on("clientError", answerBroken);
    this.certificate.follow(server);
    return server;
  }

  private async openEdgeImpulse(): Promise<Pick<Addresses, "studio" | "ingestion">> {
    const { bind } = this.settings;
    const addresses: Record<string, string> = {};
    const { rest: studio, ingestion } = edgeImpulsePorts;
    for (const [name, port] of Object.entries({ studio, ingestion })) {
      const server = createServer(httpOptions, this.app.routing);
      server.on("clientError", answerBroken);
      server.maxConnections = limits.connections;
      this.watch(server, "connection");
      const at = { protocol: "http", bind, port };
      addresses[name] = await listen(server, at).catch((error: Error) => {
        throw new SettingsError([
          `FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: port ${port} cannot be used: ${error.message}`,
        ]);
      });
      this.more.push(server);
    }
    return addresses;
  }

  private watch(server: Server, connected: "connection" | "secureConnection"): void {
    const { silent, open } = this;
    const transport = connected === "connection" ? "http" : "https";
    function onClose(this: Socket) {
      silent.delete(this);
      open[transport]--;
    }
    server.on(connected, (socket: Socket) => {
      silent.add(socket);
      open[transport]++;
      socket.once("close", onClose);
    });
    server.on("request", ({ socket }) => silent.delete(socket));
  }

  /** Takes no more connections, lets what is under way be answered, then closes; at the latest after `drainMs`. */
  async stop(close: () => Promise<void>, drainMs: number): Promise<void> {
    this.stopping = true;
    const others = [...this.more, ...(this.tls ? [this.tls] : [])];
    const servers: Server[] = [this.app.server, ...others];
    // A connection whose answer began before the stop is idle after it.
    const sweep = setInterval(() => {
      for (const socket of this.silent) if (socket.bytesRead === 0) socket.destroy();
      for (const server of servers) server.closeIdleConnections();
    }, 50);
    const force = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
    }, drainMs);
    try {
      await Promise.all([close(), ...others.map(closeServer)]);
    } finally {
      clearInterval(sweep);
      clearTimeout(force);
    }
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
