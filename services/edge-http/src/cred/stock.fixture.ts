import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { defaultCacheDir, environment, obtainCredClient, type WithPackage } from "@fieldlog/servers";
import { startServers, startSystem } from "@fieldlog/testkit";
import { CredClient, credKeys } from "./cred.fixture.js";

/** A started system, the keys of a namespace of its own, and a Python with cred-client where there is one. */
export async function startStock() {
  const client = await obtainCredClient({ cacheDir: defaultCacheDir(), progress: console.log });
  const servers = await startServers();
  const system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("cred_stock") },
    inOneProcess: true,
  });
  return {
    ...{ system, client, keys: await credKeys(system, "stock") },
    newClient: () => new CredClient(system.url),
    stop: async () => {
      await system.stop();
      await servers.stop();
    },
  };
}

const execute = promisify(execFile);

/** Runs a script, which prints one line of JSON; fails with what it wrote besides. */
export async function python(client: WithPackage, script: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await execute(client.python, ["-c", script, ...args], {
    env: environment(client.env),
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}
