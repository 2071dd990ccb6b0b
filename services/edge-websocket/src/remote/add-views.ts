import { setTimeout as sleep } from "node:timers/promises";
import type { Edge } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { openObjects } from "@fieldlog/objects";
import { Pictures, RemoteDevices, RemoteHost } from "@fieldlog/remote";
import { gauge, type Runtime } from "@fieldlog/runtime";
import { SampleStore } from "@fieldlog/samples";
import type { Route } from "../net/server.js";
import { DeviceEvents, type DeviceEventsParts } from "./device-events.js";
import type { DeviceSession, MakeFeature } from "./feature.js";
import { Inference } from "./inference/inference.js";
import { Snapshots } from "./snapshots/snapshots.js";
import { Viewers } from "./snapshots/viewers.js";

/** Milliseconds that what is told of devices has to reach the log when the server stops. */
const STOP_MS = 3_000;

export interface Views {
  /** What devices with a camera or a model do. */
  readonly features: readonly MakeFeature[];
  /** For those who look. */
  readonly route: Route;
}

/** What people see of devices: pictures, and what their models see. Its parts start and stop with the lifecycle. */
export function addViews({ settings, logger, lifecycle, metrics }: Runtime, edge: Edge): Views {
  const { log, sampling } = edge;
  const now = Date.now;
  const host = new RemoteHost(log.connection);
  const pictures = new Pictures(new RemoteDevices(log.connection), now);
  const viewers = new Viewers({ pictures, sampling, now });
  const objects = openObjects(log.connection, settings);
  const samples = new SampleStore({ sampling, objects, partBytes: limits.uploadPartBytes });
  const underWay = new Set<Promise<void>>();
  const events = eventsOf({ log, logger, now, underWay });
  lifecycle.add({ name: "viewers", start: async () => viewers.start(), stop: async () => viewers.stop() });
  // Stopped after the devices' connections, whose end is told as well.
  lifecycle.add({
    name: "events of devices",
    stop: async () => {
      await Promise.race([Promise.allSettled(underWay), sleep(STOP_MS, undefined, { ref: false })]);
    },
  });
  gauge(metrics, {
    name: "fieldlog_websocket_viewers",
    help: "Those who look at devices' pictures.",
    collect() {
      this.set(pictures.viewers);
    },
  });
  return {
    route: viewers.route,
    features: [
      (session) => new Snapshots(session, { events: events(session), host, now }),
      (session) => new Inference(session, { events: events(session), samples, sampling, logger, now }),
    ],
  };
}

/** One for each connection, however many of its features tell something. */
function eventsOf(parts: DeviceEventsParts): (session: DeviceSession) => DeviceEvents {
  const all = new WeakMap<DeviceSession, DeviceEvents>();
  return (session) => {
    const events = all.get(session) ?? new DeviceEvents(parts, session);
    all.set(session, events);
    return events;
  };
}
