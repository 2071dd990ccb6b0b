import { createServer } from "node:net";
import { devices } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings } from "@fieldlog/runtime";
import { DevicesModule } from "./devices.module.js";

export interface Replica {
  readonly client: RpcClient<typeof devices.DevicesService>;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(
  natsUrl: string,
  postgresUrl: string,
  more: { readonly signalsMaxBytes?: number } = {},
): Promise<Replica> {
  const internalToken = "an-internal-token-of-enough-length";
  const devicesGrpc = `127.0.0.1:${await freePort()}`;
  const own = { natsUrl, postgresUrl, internalToken, devicesGrpc, logLevel: "silent" as const };
  const settings = readSettings({}, { ...own, ...more });
  const runtime = createRuntime("devices", settings);
  const hosted = await hostModule(runtime, DevicesModule.with(runtime));
  const client = rpcClient(devices.DevicesService, { address: devicesGrpc, token: internalToken });
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
