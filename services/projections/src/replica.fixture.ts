import { projections } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS, until } from "@fieldlog/testkit";
import { ProjectionsModule } from "./projections.module.js";

export interface Replica {
  readonly client: RpcClient<typeof projections.ProjectionsService>;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(natsUrl: string, postgresUrl: string): Promise<Replica> {
  const internalToken = "an-internal-token-of-enough-length";
  const projectionsGrpc = `127.0.0.1:${await freePort()}`;
  const settings = readSettings(
    {},
    { natsUrl, postgresUrl, internalToken, projectionsGrpc, logLevel: "silent" },
  );
  const runtime = createRuntime("projections", settings);
  const hosted = await hostModule(runtime, ProjectionsModule.with(runtime));
  await until("ready", async () => (await runtime.health.report()).ready);
  const client = rpcClient(projections.ProjectionsService, {
    ...{ address: projectionsGrpc, token: internalToken, deadlineMs: CALL_MS },
  });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, runtime, close };
}
