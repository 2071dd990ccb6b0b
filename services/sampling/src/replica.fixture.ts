import { auth, devices, sampling } from "@fieldlog/contracts";
import { type RpcClient, RpcError, RpcServer, rpcClient, type ServiceImpl } from "@fieldlog/rpc";
import { createRuntime, hostModule, readSettings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS } from "@fieldlog/testkit";
import { SamplingModule } from "./sampling.module.js";

export const TOKEN = "an-internal-token-of-enough-length";
export const INSTALLATION_KEY = Buffer.alloc(32, 7).toString("base64");

export interface Replica {
  readonly client: RpcClient<typeof sampling.SamplingService>;
  close(): Promise<void>;
}

/** Answers for devices what each device's sensors are; others are not registered. For auth: how many bytes a namespace may hold. */
export async function startDevices(
  sensorsOf: ReadonlyMap<string, readonly string[]>,
  storedBytesOf: ReadonlyMap<string, bigint> = new Map(),
): Promise<{ address: string; stop(): Promise<void> }> {
  const address = `127.0.0.1:${await freePort()}`;
  const own: Partial<ServiceImpl<typeof devices.DevicesService>> = {
    getDevice: async ({ device: id }) => {
      const sensors = sensorsOf.get(id);
      if (sensors === undefined) throw new RpcError("not_found", "no such device");
      const told = sensors.map((sensorType, index) => ({ id: String(index), sensorType }));
      return { device: { id, dialect: "edge-impulse", sensors: told, metadata: { name: `the ${id}` } } };
    },
  };
  const ofNamespaces: Partial<ServiceImpl<typeof auth.AuthService>> = {
    getNamespace: async ({ idOrName: id }) => {
      const storedBytes = storedBytesOf.get(id);
      const settings = storedBytes === undefined ? {} : { limits: { storedBytes } };
      return { namespace: { id, name: id, settings } };
    },
  };
  const server = new RpcServer({ address, token: TOKEN });
  server.add(auth.AuthService, ofNamespaces as ServiceImpl<typeof auth.AuthService>);
  server.add(devices.DevicesService, own as ServiceImpl<typeof devices.DevicesService>);
  await server.start();
  return { address, stop: () => server.stop() };
}

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(
  natsUrl: string,
  postgresUrl: string,
  devicesGrpc: string,
  authGrpc = devicesGrpc,
): Promise<Replica> {
  const samplingGrpc = `127.0.0.1:${await freePort()}`;
  const own = { natsUrl, postgresUrl, internalToken: TOKEN, installationKey: INSTALLATION_KEY };
  const settings = readSettings({}, { ...own, authGrpc, devicesGrpc, samplingGrpc, logLevel: "silent" });
  const runtime = createRuntime("sampling", settings);
  const hosted = await hostModule(runtime, SamplingModule.with(runtime));
  const client = rpcClient(sampling.SamplingService, {
    address: samplingGrpc,
    token: TOKEN,
    deadlineMs: CALL_MS,
  });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, close };
}
