import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { environment } from "../process/environment.js";
import { freePort } from "../process/ports.js";
import { ServerProcess } from "../process/server-process.js";

export interface S3ServerOptions {
  /** Holds the objects and the process file. */
  dataDir: string;
  /** Buckets that are there from the start. */
  buckets: readonly string[];
  /** Gets each line that the server logs. */
  log?: (line: string) => void;
}

/** A server that speaks S3 on this machine, reachable from this machine only. */
export interface RunningS3Server {
  /** http://127.0.0.1:port */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  kill(): Promise<void>;
  /** Again, with its port, keys and objects. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const REGION = "us-east-1";

/** Resolves when it answers. Raises DataDirectoryInUse, ServerDidNotStart. */
export async function startS3Server(program: string, o: S3ServerOptions): Promise<RunningS3Server> {
  const dataDir = resolve(o.dataDir);
  const [root, metadata] = [join(dataDir, "buckets"), join(dataDir, "metadata")];
  for (const bucket of o.buckets) await mkdir(join(root, bucket), { recursive: true });
  await mkdir(metadata, { recursive: true });
  const [accessKey, secretKey] = [randomBytes(10).toString("hex"), randomBytes(20).toString("hex")];
  const address = `127.0.0.1:${await freePort()}`;
  const server = new ServerProcess({
    name: "versitygw",
    dataDir,
    command: program,
    // Metadata in files of their own, since not every file system has extended attributes.
    args: ["--port", address, "--region", REGION, "--quiet", "posix", "--sidecar", metadata, root],
    env: environment({ ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey }),
    pidFile: join(dataDir, "versitygw.pid"),
    stopSignal: "SIGTERM",
    // Whoever has no key is refused.
    answers: async () => (await fetch(`http://${address}/`)).status === 403,
    startTimeoutMs: 60_000,
    log: o.log ?? (() => undefined),
  });
  await server.start();
  return {
    ...{ endpoint: `http://${address}`, region: REGION, accessKey, secretKey },
    kill: () => server.kill(),
    start: () => server.start(),
    stop: () => server.stop(),
  };
}
