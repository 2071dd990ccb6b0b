import type { Aggregates } from "@fieldlog/aggregates";
import type { auth } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { RpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys } from "@fieldlog/sealing";
import { Teller } from "@fieldlog/telling";
import { SCHEMA } from "../read-model.js";
import type { Devices } from "../service/devices.js";
import { tunnelsService } from "./rpc.js";
import { tunnelsTold } from "./telling.js";
import { tunnels } from "./tunnel.js";
import { Tunnels } from "./tunnels.js";

export interface AddTunnelsParts {
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly aggregates: Aggregates;
  readonly devices: Devices;
  readonly auth: RpcClient<typeof auth.AuthService>;
}

/** Tunnels to devices. What is told of them starts and stops with the lifecycle. */
export function addTunnels({ runtime, log, ...parts }: AddTunnelsParts): ReturnType<typeof tunnelsService> {
  const { logger, metrics, lifecycle } = runtime;
  const settings = need(runtime.settings, "postgresUrl", "installationKey");
  const teller = new Teller({
    ...{ log, logger, metrics, kind: tunnels.kind, signalsOf: async (told) => tunnelsTold(told, Date.now()) },
    ...{ url: settings.postgresUrl, schema: SCHEMA, replicas: settings.replicas },
  });
  lifecycle.add({
    name: "telling of tunnels",
    start: async () => teller.start(),
    stop: () => teller.stop(),
  });
  const tokens = new InstallationKeys(settings.installationKey).capabilities("tunnel");
  return tunnelsService(new Tunnels({ ...parts, tokens, now: Date.now }));
}
