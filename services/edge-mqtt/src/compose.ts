import { connectEdge, EventPublishing, observeRefusals } from "@fieldlog/admission";
import { type AggregateId, limits } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { RemoteHost } from "@fieldlog/remote";
import { type Runtime, ServerCertificate } from "@fieldlog/runtime";
import { Access } from "./access/access.js";
import { Connection } from "./connection/connection.js";
import { Connections } from "./connection/connections.js";
import { MqttMetrics } from "./connection/metrics.js";
import { willsThrough } from "./heartbeats/wills-through.js";
import { Listeners, type MqttAddresses } from "./net/listeners.js";
import { Flusher } from "./net/output.js";
import { Wheel } from "./net/wheel.js";
import { Publishing } from "./publish/publishing.js";
import { Rejections } from "./publish/rejections.js";
import { retainedMessages } from "./retained-messages.js";
import { observeSessions } from "./session-metrics.js";
import { isRemoval } from "./sessions/forget.js";
import { Sessions } from "./sessions/sessions.js";
import { Hub } from "./spotflow/hub.js";

export interface EdgeMqttOptions {
  /** Told under which addresses the door can be reached, once it can. */
  readonly onListening?: (addresses: MqttAddresses) => void;
}

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime, options: EdgeMqttOptions = {}): Promise<void> {
  const { settings, logger, metrics, lifecycle } = runtime;
  const now = Date.now;
  const clock = () => performance.now();

  const connections = new Connections();
  const onDecision = (id: AggregateId, commit: Commit) => {
    const loggedOut = connections.decided(id);
    hub.decided(id, commit);
    if (isRemoval(id, commit.data)) void loggedOut.then(() => sessions.forget(id.namespace, id.id));
  };
  const edge = await connectEdge(runtime, { now, onDecision });
  const { log, known, devices } = edge;
  const rejections = new Rejections({ log, logger, now });
  const events = new EventPublishing({ log, known, now });
  const publishing = new Publishing({ log, known, devices, events, rejections, now });
  const remote = new RemoteHost(log.connection);
  const { properties } = edge;
  const hub = new Hub({ properties, registered: known.registered, remote, publishing }, logger);
  const sessions = await Sessions.create({
    ...{ log, logger, now, replicas: settings.replicas, publishWill: willsThrough(publishing) },
    retained: retainedMessages(edge.projections),
  });

  const wheel = new Wheel(clock);
  const mqttMetrics = new MqttMetrics(metrics);
  const parts = {
    ...{ publishing, sessions, connections, wheel, logger, now, clock, metrics: mqttMetrics },
    ...{ access: new Access(known, now), flusher: new Flusher() },
    dialectOf: hub.dialectOf.bind(hub),
  };
  const listeners = new Listeners(
    settings,
    new ServerCertificate(runtime),
    (wire) => new Connection(wire, parts),
    limits.mqttConnections,
    () => mqttMetrics.connect("too many connections"),
  );

  lifecycle.add({
    name: "rejections",
    start: async () => rejections.start(),
    stop: async () => rejections.stop(),
  });
  lifecycle.add({ name: "sessions", start: () => sessions.start(), stop: () => sessions.stop() });
  lifecycle.add({
    name: "MQTT",
    start: async () => {
      wheel.start();
      const addresses = await listeners.start();
      logger.info({ ...addresses }, `listening on ${Object.values(addresses).join(" and ")}`);
      options.onListening?.(addresses);
    },
    stop: async () => {
      listeners.stop();
      await connections.drain();
      wheel.stop();
    },
  });

  observeSessions(metrics, sessions);
  observeRefusals(runtime, () => mqttMetrics.refused());
}
