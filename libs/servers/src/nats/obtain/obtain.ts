import { join } from "node:path";
import { environment } from "../../process/environment.js";
import { CLUSTER_VERSION, fromArchive, RELEASE_VERSION, type ReleaseOptions } from "./archive.js";
import { fromDebian } from "./debian.js";
import type { Found, ObtainContext } from "./found.js";
import { fromGo } from "./go.js";
import { fromCache, fromPath } from "./installed.js";

export type SourceName = "path" | "cache" | "release" | "debian" | "go";

export interface ObtainOptions {
  /** The folder that keeps the program for the next time. */
  cacheDir: string;
  /** Gets a line for a person whenever something is under way. */
  progress: (message: string) => void;
  /** Folders to look in for an installed one; default: PATH. */
  searchPath?: string;
  /** One that may be a member of a cluster; default false. */
  forCluster?: boolean;
  /** Which places are asked, in this order; default: all. */
  sources?: readonly SourceName[];
  release?: ReleaseOptions;
}

/** The oldest on which Fieldlog runs, and with which a cluster is known to keep its copies the same. */
const OLDEST = [2, 10] as const;
const CLUSTER_OLDEST = [2, 15] as const;

/** No place had a nats-server. The message says what each answered, and what to do. */
export class NatsServerNotFound extends Error {
  constructor(
    readonly reasons: Readonly<Partial<Record<SourceName, string>>>,
    oldest: ObtainContext["oldest"] = OLDEST,
  ) {
    const list = Object.entries(reasons).map(([source, reason]) => `  ${source.padEnd(8)} ${reason}`);
    super(
      [
        `No nats-server (${oldest.join(".")} or later) could be obtained on this machine:`,
        ...list,
        "Install one so that it is on the PATH (https://nats.io/download), or set FIELDLOG_NATS_URL to a running server with JetStream.",
      ].join("\n"),
    );
    this.name = "NatsServerNotFound";
  }
}

const ALL: readonly SourceName[] = ["path", "cache", "release", "debian", "go"];

/**
 * The path of a nats-server program, 2.10 or later: an installed one, else one kept from an earlier time, else
 * the official release (checked by SHA-256), else the Debian package, else built with Go.
 * Raises NatsServerNotFound.
 */
export async function obtainNatsServer(o: ObtainOptions): Promise<string> {
  const { cacheDir, forCluster = false } = o;
  const context: ObtainContext = {
    target: join(cacheDir, forCluster ? "nats-server-cluster" : "nats-server"),
    cacheDir,
    oldest: forCluster ? CLUSTER_OLDEST : OLDEST,
    version: forCluster ? CLUSTER_VERSION : RELEASE_VERSION,
    progress: o.progress,
  };
  const sources: Record<SourceName, () => Promise<Found>> = {
    path: () => fromPath(o.searchPath ?? environment()["PATH"] ?? "", context),
    cache: () => fromCache(context),
    release: () => fromArchive(context, o.release),
    debian: () => fromDebian(context),
    go: () => fromGo(context),
  };
  const reasons: Partial<Record<SourceName, string>> = {};
  for (const name of o.sources ?? ALL) {
    const found = await sources[name]().catch((error: Error): Found => ({ reason: error.message }));
    if ("path" in found) return found.path;
    reasons[name] = found.reason;
    if (name !== "path" && name !== "cache") o.progress(`nats-server from ${name}: ${found.reason}`);
  }
  throw new NatsServerNotFound(reasons, context.oldest);
}
