import { Writable } from "node:stream";
import { auth, provisioning, REGISTRY } from "@fieldlog/contracts";
import { connectLog } from "@fieldlog/event-log";
import { openReadDatabase } from "@fieldlog/read-model";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings, type Settings } from "@fieldlog/runtime";
import { freePort } from "@fieldlog/servers";
import { CALL_MS, startServers, until } from "@fieldlog/testkit";
import { AuthModule } from "./auth.module.js";

export interface Replica {
  readonly client: RpcClient<typeof auth.AuthService>;
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly runtime: Runtime;
  /** Everything that it logged, from debug on. */
  logged(): string;
  close(): Promise<void>;
}

export const INTERNAL_TOKEN = "an-internal-token-of-enough-length";
export const ADMIN = "an-admin-key-for-tests";
export const INSTALLATION_KEY = Buffer.alloc(32, 1).toString("base64");

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(overrides: Partial<Settings>): Promise<Replica> {
  const internalToken = INTERNAL_TOKEN;
  const authGrpc = `127.0.0.1:${await freePort()}`;
  const own = { internalToken, authGrpc, adminKey: ADMIN, installationKey: INSTALLATION_KEY };
  const settings = readSettings({}, { ...own, logLevel: "trace", ...overrides });
  const lines: string[] = [];
  const logTo = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const runtime = createRuntime("auth", settings, { logTo });
  const hosted = await hostModule(runtime, AuthModule.with(runtime));
  const at = { address: authGrpc, token: internalToken, deadlineMs: CALL_MS };
  const client = rpcClient(auth.AuthService, at);
  const provisioningClient = rpcClient(provisioning.ProvisioningService, at);
  const close = async () => {
    client.close();
    provisioningClient.close();
    await hosted.close();
  };
  return { client, provisioning: provisioningClient, runtime, logged: () => lines.join(""), close };
}

/** Two replicas on servers and a database of their own, once both are ready. */
export async function startPair(overrides: Partial<Settings> = {}) {
  const servers = await startServers();
  const urls = { natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("auth") };
  const start = () => startReplica({ ...urls, ...overrides });
  const [one, two] = await Promise.all([start(), start()]);
  for (const { runtime } of [one, two]) {
    await until("ready", async () => (await runtime.health.report()).ready);
  }
  const stop = async () => {
    await one.close();
    await two.close();
    await servers.stop();
  };
  return { one, two, servers, urls, stop };
}

/** Everything that the log and the database hold, as text. */
export async function kept({
  natsUrl,
  postgresUrl,
}: {
  natsUrl: string;
  postgresUrl: string;
}): Promise<string> {
  const log = await connectLog({ url: natsUrl, name: "test" });
  const texts: string[] = [];
  const last = await log.lastSequence(REGISTRY);
  for await (const commits of log.read(REGISTRY, { after: 0 })) {
    texts.push(...commits.map(({ data }) => Buffer.from(data).toString("latin1")));
    if ((commits.at(-1)?.sequence ?? 0) >= last) break;
  }
  await log.close();
  const database = openReadDatabase({ url: postgresUrl, schema: "auth" });
  for (const table of ["aggregates", "aggregate_keys"]) {
    const { rows } = await database.pool.query(`select * from auth.${table}`);
    texts.push(JSON.stringify(rows));
  }
  await database.close();
  return texts.join("\n");
}
