import { createServer } from "node:net";
import { projections } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings } from "@fieldlog/runtime";
import { until } from "@fieldlog/testkit";
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
    address: projectionsGrpc,
    token: internalToken,
  });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, runtime, close };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
