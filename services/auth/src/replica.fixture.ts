import { createServer } from "node:net";
import { Writable } from "node:stream";
import { auth } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, type Runtime, readSettings, type Settings } from "@fieldlog/runtime";
import { AuthModule } from "./auth.module.js";

export interface Replica {
  readonly client: RpcClient<typeof auth.AuthService>;
  readonly runtime: Runtime;
  /** Everything that it logged, from debug on. */
  logged(): string;
  close(): Promise<void>;
}

export const ADMIN = "an-admin-key-for-tests";
export const INSTALLATION_KEY = Buffer.alloc(32, 1).toString("base64");

/** The service as its process would host it, on a free port, and a client of it. */
export async function startReplica(overrides: Partial<Settings>): Promise<Replica> {
  const internalToken = "an-internal-token-of-enough-length";
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
  const client = rpcClient(auth.AuthService, { address: authGrpc, token: internalToken });
  const close = async () => {
    client.close();
    await hosted.close();
  };
  return { client, runtime, logged: () => lines.join(""), close };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
