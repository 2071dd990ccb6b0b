import { join } from "node:path";
import { type ServiceProcess, startServiceProcess } from "@fieldlog/testkit";
import { INSTALLATION_KEY, TOKEN } from "./replica.fixture.js";

/** Starts the built service in a process of its own. */
export function startProcess(natsUrl: string, postgresUrl: string): ServiceProcess {
  return startServiceProcess(join(import.meta.dirname, "..", "dist", "main.js"), {
    ...{ FIELDLOG_NATS_URL: natsUrl, FIELDLOG_POSTGRES_URL: postgresUrl },
    ...{ FIELDLOG_INTERNAL_TOKEN: TOKEN, FIELDLOG_INSTALLATION_KEY: INSTALLATION_KEY },
    // Nobody calls it, and any free port will do.
    ...{ FIELDLOG_DEVICES_GRPC: "127.0.0.1:0", FIELDLOG_OPS_PORT: "0" },
  });
}
