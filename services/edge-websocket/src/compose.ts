import { hostname } from "node:os";
import {
  connectEdge,
  EventPublishing,
  OpenReaders,
  observeRefusals,
  reasonOfStatus,
} from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { CursorRecords, EventFeeds, observeDeliveries, Slots } from "@fieldlog/fan-out";
import { edgeImpulsePorts, gauge, type Runtime, ServerCertificate, SettingsError } from "@fieldlog/runtime";
import { bearerOf } from "./connection/access.js";
import { Connection, type ConnectionParts, MESSAGE_BYTES, PATH } from "./connection/connection.js";
import { Turn } from "./net/frame-writer.js";
import { type Route, SocketServer } from "./net/server.js";
import { SUBPROTOCOLS } from "./protocol/codec.js";
import { addRemote } from "./remote/add-remote.js";
import { addViews } from "./remote/add-views.js";
import { addTunnels } from "./tunnels/add-tunnels.js";

export interface EdgeWebSocketOptions {
  /** Told under which address the door can be reached, once it can, and under which by TLS. */
  readonly onListening?: (address: string, secure: string | undefined) => void;
}

/** Cursors that read the log at once; the others, as far as they are behind, wait for their turn. */
const READERS = 32;
/** Milliseconds that connections have to send what they hold when the server stops. */
const STOP_MS = 3_000;

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime, options: EdgeWebSocketOptions = {}): Promise<void> {
  const { settings, logger, lifecycle } = runtime;
  const now = Date.now;

  const edge = await connectEdge(runtime, {
    now,
    onDecision: (id, commit) => {
      open.decided(id);
      remote.decided(id, commit);
      tunnels.decided(id);
    },
  });
  const { log, known } = edge;
  const open = new OpenReaders(known, now, limits.webSocketConnections);
  const records = await CursorRecords.open(log.connection, settings.replicas);
  const feeds = new EventFeeds({ log, logger });
  const views = addViews(runtime, edge);
  const remote = addRemote(runtime, edge, views.features);
  const tunnels = addTunnels(runtime, edge);
  const parts: ConnectionParts = {
    ...{ known, log, feeds, records, open, logger, now },
    readers: new Slots(READERS),
    publishing: new EventPublishing({ log, known, now }),
    turn: new Turn(),
    holder: hostname(),
    delivered: { count: 0 },
    failures: new Map(),
  };
  const subscribe: Route = {
    path: PATH,
    messageBytes: MESSAGE_BYTES,
    protocols: Object.keys(SUBPROTOCOLS),
    accept: ({ webSocket, socket, request }) => {
      const encoding = SUBPROTOCOLS[webSocket.protocol] ?? "json";
      new Connection(parts, webSocket, socket, encoding, bearerOf(request.headers.authorization));
    },
  };
  const routes = [subscribe, remote.route, views.route, ...tunnels.routes];
  const server = new SocketServer(settings, routes, new ServerCertificate(runtime));

  lifecycle.add({ name: "feeds", stop: () => feeds.stop() });
  lifecycle.add({ name: "cursor records", stop: () => records.close() });
  lifecycle.add({
    name: "connections",
    start: async () => open.start(),
    stop: () => open.stop(STOP_MS),
  });
  lifecycle.add({
    name: "WebSocket",
    start: async () => {
      const [address, secure] = await server.start();
      logger.info({ address, secure }, `listening on ${secure ? `${address} and ${secure}` : address}`);
      options.onListening?.(address, secure);
    },
    stop: async () => server.stop(),
  });
  if (settings.edgeImpulseLocalPorts) lifecycle.add(edgeImpulsePort(settings.bind, routes));
  observe(runtime, parts);
}

/** The same once more, where Edge Impulse's clients look for a server that has no name (its reference, section 1). */
function edgeImpulsePort(bind: string, routes: readonly Route[]) {
  const { remoteManagement: port } = edgeImpulsePorts;
  const server = new SocketServer({ bind, wsPort: port, wssPort: 0 }, routes);
  return {
    name: "Edge Impulse's port",
    start: async () => {
      await server.start().catch((error: Error) => {
        throw new SettingsError([
          `FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: port ${port} cannot be used: ${error.message}`,
        ]);
      });
    },
    stop: async () => server.stop(),
  };
}

function observe({ metrics, service }: Runtime, { open, delivered, failures, feeds }: ConnectionParts): void {
  gauge(metrics, {
    name: "fieldlog_websocket_connections",
    help: "Connections of whom it is known who they are.",
    collect() {
      this.set(open.size);
    },
  });
  gauge(metrics, {
    name: "fieldlog_websocket_window_bytes",
    help: "Recent commits in memory, for those who subscribe.",
    collect() {
      this.set(feeds.windowBytes);
    },
  });
  observeDeliveries(metrics, { websocket: delivered });
  observeRefusals({ metrics, service }, function* () {
    for (const [status, count] of failures) {
      const reason = reasonOfStatus(status);
      if (reason !== undefined) yield [reason, count] as const;
    }
  });
}
