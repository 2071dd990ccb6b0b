import type { MessageInitShape } from "@bufbuild/protobuf";
import { auth, offers, type registry } from "@fieldlog/contracts";
import { type RpcClient, RpcServer, rpcClient, type ServiceImpl } from "@fieldlog/rpc";
import { createRuntime, hostModule, readSettings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS } from "@fieldlog/testkit";
import { OffersModule } from "./offers.module.js";

export const TOKEN = "an-internal-token-of-enough-length";
export const INSTALLATION_KEY = Buffer.alloc(32, 7).toString("base64");

export interface Replica {
  readonly client: RpcClient<typeof offers.OffersService>;
  close(): Promise<void>;
}

type Settings = MessageInitShape<typeof registry.NamespaceSettingsChangedSchema>;

/** Answers for auth what the namespaces' settings are; by namespace, none by default. */
export async function startSettings(
  of: Map<string, Settings>,
): Promise<{ address: string; stop(): Promise<void> }> {
  const address = `127.0.0.1:${await freePort()}`;
  const own: Partial<ServiceImpl<typeof auth.AuthService>> = {
    getNamespace: async ({ idOrName }) => {
      const settings = of.get(idOrName);
      return { namespace: { id: idOrName, name: idOrName, ...(settings ? { settings } : {}) } };
    },
  };
  const server = new RpcServer({ address, token: TOKEN });
  server.add(auth.AuthService, own as ServiceImpl<typeof auth.AuthService>);
  await server.start();
  return { address, stop: () => server.stop() };
}

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(natsUrl: string, postgresUrl: string, authGrpc: string): Promise<Replica> {
  const offersGrpc = `127.0.0.1:${await freePort()}`;
  const own = { natsUrl, postgresUrl, internalToken: TOKEN, installationKey: INSTALLATION_KEY };
  const settings = readSettings({}, { ...own, authGrpc, offersGrpc, logLevel: "silent" });
  const runtime = createRuntime("offers", settings);
  const hosted = await hostModule(runtime, OffersModule.with(runtime));
  const client = rpcClient(offers.OffersService, { address: offersGrpc, token: TOKEN, deadlineMs: CALL_MS });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, close };
}
