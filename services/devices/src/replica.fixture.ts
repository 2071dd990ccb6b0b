import type { MessageInitShape } from "@bufbuild/protobuf";
import { auth, devices, properties, type registry } from "@fieldlog/contracts";
import { type RpcClient, RpcServer, rpcClient, type ServiceImpl } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS } from "@fieldlog/testkit";
import { DevicesModule } from "./devices.module.js";

export const TOKEN = "an-internal-token-of-enough-length";
export const INSTALLATION_KEY = Buffer.alloc(32, 7).toString("base64");

type Settings = MessageInitShape<typeof registry.NamespaceSettingsChangedSchema>;

/** Answers for auth what the namespaces' settings are; by namespace, none by default. */
export async function startSettings(of: ReadonlyMap<string, Settings>) {
  const own: Partial<ServiceImpl<typeof auth.AuthService>> = {
    getNamespace: async ({ idOrName }) => {
      const settings = of.get(idOrName);
      return { namespace: { id: idOrName, name: idOrName, ...(settings ? { settings } : {}) } };
    },
  };
  const server = new RpcServer({ address: "127.0.0.1:0", token: TOKEN });
  server.add(auth.AuthService, own as ServiceImpl<typeof auth.AuthService>);
  await server.start();
  return { address: `127.0.0.1:${server.port}`, stop: () => server.stop() };
}

export interface Replica {
  readonly client: RpcClient<typeof devices.DevicesService>;
  readonly properties: RpcClient<typeof properties.PropertiesService>;
  readonly runtime: Runtime;
  close(): Promise<void>;
}

/** The service as its process would host it, on a free port, and a client of it; with a {@link startSettings} of its own unless one is given. */
export async function startReplica(
  natsUrl: string,
  postgresUrl: string,
  more: { readonly signalsMaxBytes?: number; readonly authGrpc?: string } = {},
): Promise<Replica> {
  const devicesGrpc = `127.0.0.1:${await freePort()}`;
  const internalToken = TOKEN;
  const installationKey = INSTALLATION_KEY;
  const ownSettings = more.authGrpc === undefined ? await startSettings(new Map()) : undefined;
  const authGrpc = more.authGrpc ?? ownSettings?.address ?? "";
  const own = { natsUrl, postgresUrl, internalToken, installationKey, devicesGrpc };
  const settings = readSettings({}, { ...own, logLevel: "silent", ...more, authGrpc });
  const runtime = createRuntime("devices", settings);
  const hosted = await hostModule(runtime, DevicesModule.with(runtime));
  const at = { address: devicesGrpc, token: internalToken, deadlineMs: CALL_MS };
  const client = rpcClient(devices.DevicesService, at);
  const ofProperties = rpcClient(properties.PropertiesService, at);
  const close = async () => {
    client.close();
    ofProperties.close();
    await hosted.close();
    await ownSettings?.stop();
  };
  return { client, properties: ofProperties, runtime, close };
}
