import { request } from "node:http";

/** The image of the database in Docker: the version of the embedded one. */
const POSTGRES_IMAGE = "postgres:18";
/** Milliseconds for pulling the image and starting; after that the embedded server is used. */
const START_TIMEOUT_MS = 120_000;

export interface ContainedPostgres {
  url: string;
  stop(): Promise<void>;
}

/** Whether a Docker daemon answers on this machine, asked within a second. */
export function dockerAnswers(
  host = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock",
): Promise<boolean> {
  const where = host.startsWith("unix://")
    ? { socketPath: host.slice("unix://".length) }
    : { host: new URL(host).hostname, port: new URL(host).port || 2375 };
  return new Promise((resolve) => {
    const ping = request({ ...where, path: "/_ping", timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ping.on("timeout", () => ping.destroy());
    ping.on("error", () => resolve(false));
    ping.end();
  });
}

/** PostgreSQL in a container. Raises when it cannot be started; then the embedded server takes its place. */
export async function postgresContainer(): Promise<ContainedPostgres> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const password = "only-for-tests";
  const container = await new GenericContainer(POSTGRES_IMAGE)
    .withEnvironment({ POSTGRES_USER: "fieldlog", POSTGRES_PASSWORD: password, POSTGRES_DB: "fieldlog" })
    .withCommand(["-c", "max_connections=400"])
    .withExposedPorts(5432)
    // The image starts the server twice: the first time to make the database.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    url: `postgres://fieldlog:${password}@${address}/fieldlog`,
    stop: async () => {
      await container.stop();
    },
  };
}
