import { type Edge, OpenReaders } from "@fieldlog/admission";
import { type AggregateId, CLEARING, limits } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { Slots } from "@fieldlog/fan-out";
import { RemoteHost } from "@fieldlog/remote";
import { counter, gauge, type Runtime } from "@fieldlog/runtime";
import type { Route } from "../net/server.js";
import { RemoteConnection, type SessionParts } from "./connection.js";
import type { MakeFeature } from "./feature.js";
import { Presence } from "./presence.js";
import { Samplings } from "./samplings.js";

/** The path at which Edge Impulse's clients connect (its reference, section 1). */
const PATH = "/";
const TICK_MS = 1_000;
const SIGN_INS = 64;
/** Milliseconds that connections have to end when the server stops, and what is told of that. */
const STOP_MS = 3_000;

export interface Remote {
  readonly route: Route;
  /** To be told of each decision, after what it changes was dropped from memory. */
  decided(id: AggregateId, commit: Commit): void;
}

/** Remote management of Edge Impulse's devices. Its parts start and stop with the runtime's lifecycle. */
export function addRemote(runtime: Runtime, edge: Edge, features: readonly MakeFeature[]): Remote {
  const { logger, lifecycle, metrics } = runtime;
  const { known, log, devices, sampling } = edge;
  const now = Date.now;
  const strangers = new Set<RemoteConnection>();
  const open = new OpenReaders(known, now, limits.webSocketConnections);
  const samplings = new Samplings({ sampling, known, logger, now });
  const presence = new Presence(new RemoteHost(log.connection));
  const parts: SessionParts = {
    ...{ known, log, devices, presence, open, strangers, logger, now },
    features: [samplings.feature, ...features],
    signIns: new Slots(SIGN_INS),
    hellos: counter(metrics, {
      name: "fieldlog_remote_hellos_total",
      help: "Hellos of devices by outcome: let in, refused, later (a service or NATS did not answer).",
      labelNames: ["outcome"],
    }),
  };
  let timer: NodeJS.Timeout | undefined;
  lifecycle.add({
    name: "devices' connections",
    start: async () => {
      open.start();
      timer = setInterval(() => {
        for (const stranger of strangers) stranger.tick(now());
      }, TICK_MS);
    },
    stop: async () => {
      clearInterval(timer);
      for (const stranger of strangers) stranger.end("stopping");
      await open.stop(STOP_MS);
      await Promise.race([samplings.idle(), new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())]);
    },
  });
  gauge(metrics, {
    name: "fieldlog_remote_devices",
    help: "Devices that are connected here.",
    collect() {
      this.set(presence.size);
    },
  });
  return {
    route: {
      path: PATH,
      messageBytes: limits.remoteFrameBytes,
      accept: ({ webSocket, socket }) => void new RemoteConnection(parts, webSocket, socket),
    },
    decided: (id, commit) => {
      open.decided(id);
      if (id.kind === "sampling") samplings.decided(id, commit);
      if (id.kind === "namespace") presence.recheckNamespaces(known.namespaces);
      if (id.kind === "device" || id.kind === CLEARING.kind) presence.recheck(id, known.registered);
    },
  };
}
