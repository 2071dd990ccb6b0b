import { sealing } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import type { SEALING_SERVICES } from "./installation-schemas.js";

export type SealingServiceName = (typeof SEALING_SERVICES)[number];

/** Each service that keeps what the installation's key sealed. */
export type Sealings = Readonly<
  Record<SealingServiceName, Pick<RpcClient<typeof sealing.SealingService>, "reseal">>
>;

/** Milliseconds for some boxes: each may be a write on several disks. */
const RESEAL_MS = 25_000;

/** Clients of them; closed with the lifecycle. */
export function addSealings(runtime: Runtime): Sealings {
  const settings = need(runtime.settings, "internalToken");
  const caller = { token: settings.internalToken, metrics: runtime.metrics, deadlineMs: RESEAL_MS };
  const at = (address: string) => rpcClient(sealing.SealingService, { ...caller, address });
  const clients = {
    auth: at(settings.authGrpc),
    subscriptions: at(settings.subscriptionsGrpc),
    offers: at(settings.offersGrpc),
    sampling: at(settings.samplingGrpc),
    streams: at(settings.streamsGrpc),
  };
  runtime.lifecycle.add({
    name: "clients of sealing",
    stop: async () => {
      for (const client of Object.values(clients)) client.close();
    },
  });
  return clients;
}
