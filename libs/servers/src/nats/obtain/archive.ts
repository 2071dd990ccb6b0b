import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { run } from "../../process/run.js";
import { download, type Timeouts } from "./download.js";
import type { Found, ObtainContext } from "./found.js";
import { intoCache } from "./workspace.js";

export const RELEASE_VERSION = "2.10.29";
/**
 * For a cluster: servers of 2.10 that refused messages (a full stream) and are killed may apply some of the others
 * twice, and then have another log than the rest of the cluster (`npm run faults` finds it).
 */
export const CLUSTER_VERSION = "2.15.2";

/** SHA-256 of the release's archives, for the machines that most run on; for others the release's own list is read. */
const PINNED: Readonly<Record<string, string>> = {
  "linux-amd64": "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da",
  "linux-arm64": "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401",
};

export interface ReleaseOptions extends Timeouts {
  /** Where the releases are. Default: those on GitHub. */
  baseUrl?: string;
  /** SHA-256 by `<system>-<processor>`, instead of the pinned ones. */
  pinned?: Readonly<Record<string, string>>;
}

/** Node's names of systems and processors to those in the release's file names. */
const SYSTEMS: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin", freebsd: "freebsd" };
const PROCESSORS: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm7",
  s390x: "s390x",
  ppc64: "ppc64le",
};

/** The official release archive, refused when its SHA-256 is not the expected one. */
export function fromArchive(context: ObtainContext, o: ReleaseOptions = {}): Promise<Found> {
  const [system, processor] = [SYSTEMS[process.platform], PROCESSORS[process.arch]];
  if (!system || !processor) {
    return Promise.resolve({ reason: `there is no release for ${process.platform} on ${process.arch}` });
  }
  const { version } = context;
  const machine = `${system}-${processor}`;
  const name = `nats-server-v${version}-${machine}`;
  const base = `${o.baseUrl ?? "https://github.com/nats-io/nats-server/releases/download"}/v${version}`;
  const pinned = o.pinned ?? (version === RELEASE_VERSION ? PINNED : {});

  return intoCache(context, async (folder) => {
    context.progress(`downloading nats-server ${version} from ${new URL(base).host}`);
    const expected = pinned[machine] ?? (await listedSum(`${base}/SHA256SUMS`, name, o));
    if (!expected) return { reason: `the release lists no SHA-256 of ${name}.tar.gz` };
    const file = join(folder, "archive.tar.gz");
    const sum = await download(`${base}/${name}.tar.gz`, createWriteStream(file), o, (percent) =>
      context.progress(`downloading nats-server ${version}: ${percent} %`),
    );
    if (sum !== expected) {
      return { reason: `${name}.tar.gz is not the released file: SHA-256 ${sum}, expected ${expected}` };
    }
    await run("tar", ["-xzf", file, "-C", folder]);
    return { path: join(folder, name, "nats-server") };
  });
}

async function listedSum(url: string, name: string, o: Timeouts): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await download(url, sink, o, () => undefined);
  const lines = Buffer.concat(chunks).toString("utf8").split("\n");
  return lines.map((line) => line.trim().split(/\s+\*?/)).find(([, file]) => file === `${name}.tar.gz`)?.[0];
}
