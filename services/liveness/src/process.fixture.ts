import { join } from "node:path";
import { type ServiceProcess, startServiceProcess } from "@fieldlog/testkit";
import { TOKEN } from "./replica.fixture.js";

/** Starts the built service in a process of its own; resolves when it has started. */
export async function startProcess(natsUrl: string, postgresUrl: string): Promise<ServiceProcess> {
  const started = startServiceProcess(join(import.meta.dirname, "..", "dist", "main.js"), {
    ...{ FIELDLOG_NATS_URL: natsUrl, FIELDLOG_POSTGRES_URL: postgresUrl, FIELDLOG_INTERNAL_TOKEN: TOKEN },
    // Nobody calls it, and any free port will do.
    ...{ FIELDLOG_LIVENESS_GRPC: "127.0.0.1:0", FIELDLOG_OPS_PORT: "0" },
  });
  await started.logged("started");
  return started;
}
