import { liveness } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS } from "@fieldlog/testkit";
import { LivenessModule } from "./liveness.module.js";

export const TOKEN = "an-internal-token-of-enough-length";

export interface Replica {
  readonly client: RpcClient<typeof liveness.LivenessService>;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(natsUrl: string, postgresUrl: string, shards = 1): Promise<Replica> {
  const livenessGrpc = `127.0.0.1:${await freePort()}`;
  const own = { natsUrl, postgresUrl, internalToken: TOKEN, livenessGrpc, shards };
  const runtime = createRuntime("liveness", readSettings({}, { ...own, logLevel: "silent" }));
  const hosted = await hostModule(runtime, LivenessModule.with(runtime));
  const client = rpcClient(liveness.LivenessService, {
    address: livenessGrpc,
    token: TOKEN,
    deadlineMs: CALL_MS,
  });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, runtime, close };
}
