import { setTimeout as sleep } from "node:timers/promises";
import type { Edge } from "@fieldlog/admission";
import { type AggregateId, limits } from "@fieldlog/contracts";
import { RemoteDevices } from "@fieldlog/remote";
import { gauge, ownWebSocketBase, type Runtime } from "@fieldlog/runtime";
import type { Arrival, Route } from "../net/server.js";
import { closings } from "./closing.js";
import { DeviceEnd } from "./device-end.js";
import type { EndsParts } from "./ends.js";
import { OperatorEnd } from "./operator-end.js";
import { DEVICE_PATH, OPERATOR_PATH } from "./paths.js";

const TICK_MS = 1_000;
/** Milliseconds that what is told of tunnels has to be told when the server stops. */
const STOP_MS = 3_000;

export interface Tunnels {
  /** For operators and for devices. */
  readonly routes: readonly Route[];
  /** To be told of each decision. */
  decided(id: AggregateId): void;
}

/** Tunnels from operators to ports of devices (spotflow reference, B6). They start and stop with the lifecycle. */
export function addTunnels({ settings, logger, lifecycle, metrics }: Runtime, edge: Edge): Tunnels {
  const { connection } = edge.log;
  const parts: EndsParts = {
    ...{ tunnels: edge.tunnels, remote: new RemoteDevices(connection), connection, logger },
    ...{ base: ownWebSocketBase(settings), now: Date.now, underWay: new Set() },
  };
  const held = new Set<OperatorEnd | DeviceEnd>();
  const operators = () => [...held].filter((end) => end instanceof OperatorEnd);
  const mayStay = (namespace: string) =>
    operators().filter((end) => end.namespace === namespace).length <= limits.tunnelsPerNamespace;
  const onOver = (end: OperatorEnd | DeviceEnd) => void held.delete(end);
  const accept = (end: OperatorEnd | DeviceEnd) => {
    held.add(end);
    if (held.size > limits.tunnels) end.close(closings.tooMany("on this server"));
    else void end.open();
  };
  const route = (path: string, make: (arrival: Arrival) => OperatorEnd | DeviceEnd): Route => {
    return { path, messageBytes: limits.tunnelMessageBytes, accept: (arrival) => accept(make(arrival)) };
  };

  let timer: NodeJS.Timeout | undefined;
  lifecycle.add({
    name: "tunnels",
    start: async () => {
      timer = setInterval(() => {
        for (const end of held) end.tick(parts.now());
      }, TICK_MS);
    },
    stop: async () => {
      clearInterval(timer);
      for (const end of held) end.close(closings.stopping);
      await Promise.race([Promise.allSettled(parts.underWay), sleep(STOP_MS, undefined, { ref: false })]);
    },
  });
  gauge(metrics, {
    name: "fieldlog_websocket_tunnel_ends",
    help: "Ends of tunnels to devices that are held here.",
    collect() {
      this.set(held.size);
    },
  });
  return {
    routes: [
      route(OPERATOR_PATH, (arrival) => new OperatorEnd(parts, arrival, mayStay, onOver)),
      route(DEVICE_PATH, (arrival) => new DeviceEnd(parts, arrival, onOver)),
    ],
    decided: (id) => {
      for (const end of operators()) end.decided(id);
    },
  };
}
