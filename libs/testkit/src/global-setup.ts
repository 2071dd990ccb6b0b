import { rm } from "node:fs/promises";
import { join } from "node:path";
import { defaultCacheDir, obtainNatsServer, removeCluster, startPostgres } from "@fieldlog/servers";
import { dockerAnswers, postgresContainer } from "./containers.js";
import { SHARED_POSTGRES, temporaryDir } from "./servers.js";

/**
 * Vitest's global set-up of the tests with real servers: has nats-server at hand, and starts the one PostgreSQL
 * in which each test file gets databases of its own. Returns the tear-down.
 */
export async function setup(): Promise<() => Promise<void>> {
  // Another kind of tests in this run has set it up.
  if (process.env[SHARED_POSTGRES] !== undefined) return async () => undefined;
  const progress = (message: string) => process.stderr.write(`${message}\n`);
  await obtainNatsServer({ cacheDir: defaultCacheDir(), progress });
  const postgres = (await inDocker(progress)) ?? (await embedded());
  process.env[SHARED_POSTGRES] = postgres.url;
  return () => postgres.stop();
}

async function inDocker(progress: (message: string) => void) {
  if (!(await dockerAnswers())) return undefined;
  return postgresContainer().catch((error: Error) => {
    progress(
      `Docker answers, but PostgreSQL does not start there (${error.message}): using the embedded one`,
    );
    return undefined;
  });
}

async function embedded() {
  const dir = await temporaryDir();
  const cleanUp = async () => {
    await removeCluster(join(dir, "postgres"));
    await rm(dir, { recursive: true, force: true });
  };
  const postgres = await startPostgres({ dataDir: join(dir, "postgres") }).catch(async (error) => {
    await cleanUp();
    throw error;
  });
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop();
      await cleanUp();
    },
  };
}
