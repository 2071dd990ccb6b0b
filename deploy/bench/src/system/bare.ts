import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Address } from "../load/orders.js";

const SERVER = fileURLToPath(new URL("./bare-server.js", import.meta.url));

/** The bare `node:http` server, as a process of its own. */
export interface BareServer {
  readonly address: Address;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startBareServer(): Promise<BareServer> {
  const child = fork(SERVER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    address: { host: "127.0.0.1", port },
    pid: child.pid ?? 0,
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
