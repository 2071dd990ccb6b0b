import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { debianMirrors, debianRelease, notDebian, openApt } from "../debian/apt.js";
import { inFreshFolder } from "../fresh-folder.js";
import { environment } from "../process/environment.js";
import { run } from "../process/run.js";
import { type BrokerOptions, type Command, type RunningBroker, startBroker } from "./broker.js";

export interface ObtainMosquittoOptions {
  /** The folder that keeps the programs for the next time. */
  cacheDir: string;
  /** Gets a line for a person whenever something is under way, and the reason when there is none. */
  progress: (message: string) => void;
  /** Folders to look in for installed ones; default: PATH. */
  searchPath?: string;
}

/** Eclipse Mosquitto on this machine: a real broker and real clients, for tests and comparisons. */
export interface Mosquitto {
  /** As the broker says it: 2.0.11. */
  readonly version: string;
  readonly pub: Command;
  readonly sub: Command;
  /** Starts a broker on 127.0.0.1. Raises PortTaken, ServerDidNotStart. */
  broker(o: BrokerOptions): Promise<RunningBroker>;
}

interface Programs {
  readonly broker: Command;
  readonly pub: Command;
  readonly sub: Command;
}

const PACKAGES = ["mosquitto", "mosquitto-clients"] as const;

/**
 * The installed mosquitto, mosquitto_pub and mosquitto_sub, else those kept from an earlier time, else the
 * Debian packages of this machine's release with the libraries that it lacks. Undefined where none of these
 * can be had; nothing but tests and comparisons needs them.
 */
export async function obtainMosquitto(o: ObtainMosquittoOptions): Promise<Mosquitto | undefined> {
  const kept = join(o.cacheDir, "mosquitto");
  const found =
    (await working(await installed(o.searchPath ?? environment()["PATH"] ?? ""))) ??
    (await working(await unpackedIn(kept)));
  if (found) return found;
  const reason = await fromDebian(o, kept).catch((error: Error) => error.message);
  const obtained = await working(await unpackedIn(kept));
  if (!obtained) o.progress(`no Mosquitto on this machine: ${reason ?? "the package does not run here"}`);
  return obtained;
}

/** Puts the unpacked packages into `target`; or why not. */
async function fromDebian(o: ObtainMosquittoOptions, target: string): Promise<string | undefined> {
  const unfit = await notDebian();
  if (unfit) return unfit;
  const release = await debianRelease();
  if (!release) return "the release of Debian is unknown";
  let reason: string | undefined = "the machine's source lists name no mirror of Debian's archive";
  for (const mirror of await debianMirrors()) {
    reason = await inFreshFolder(o.cacheDir, async (folder) => {
      const apt = await openApt({ mirror, release, folder, progress: o.progress });
      const unpacked = join(folder, "unpacked");
      await mkdir(unpacked);
      for (const archive of await apt.downloadWithMissing(...PACKAGES)) {
        await run("dpkg-deb", ["-x", archive, unpacked]);
      }
      if (!(await working(await unpackedIn(unpacked)))) return "the packages do not run here";
      await putInPlace(unpacked, target);
      return undefined;
    }).catch((error: Error) => `${mirror}: ${error.message}`);
    if (reason === undefined) return undefined;
  }
  return reason;
}

async function putInPlace(folder: string, target: string): Promise<void> {
  await rename(folder, target).catch(async () => {
    // What another process put there a moment ago is as good; what does not run is replaced.
    if (await working(await unpackedIn(target))) return;
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  });
}

async function working(programs: Programs | undefined): Promise<Mosquitto | undefined> {
  if (!programs) return undefined;
  // Both end with an error code after they have told their version.
  const said = await Promise.all([
    run("/bin/sh", ["-c", '"$0" -h; true', programs.broker.command], { env: programs.broker.env }),
    run("/bin/sh", ["-c", '"$0" --help; true', programs.pub.command], { env: programs.pub.env }),
    run("/bin/sh", ["-c", '"$0" --help; true', programs.sub.command], { env: programs.sub.env }),
  ]).catch(() => []);
  const [broker, pub, sub] = said;
  const version = /mosquitto version (\d\S*)/.exec(broker ?? "")?.[1];
  if (!version || !pub?.includes("mosquitto_pub") || !sub?.includes("mosquitto_sub")) return undefined;
  return {
    version,
    pub: programs.pub,
    sub: programs.sub,
    broker: (options) => startBroker(programs.broker, options),
  };
}

async function installed(searchPath: string): Promise<Programs | undefined> {
  // A broker is often in a folder that is on root's PATH only.
  const folders = [...searchPath.split(delimiter).filter(Boolean), "/usr/local/sbin", "/usr/sbin"];
  return programsIn(folders, {});
}

async function unpackedIn(root: string): Promise<Programs | undefined> {
  const libraries = await libraryFolders(join(root, "usr", "lib"));
  const inherited = environment()["LD_LIBRARY_PATH"];
  const LD_LIBRARY_PATH = [...libraries, ...(inherited ? [inherited] : [])].join(delimiter);
  return programsIn([join(root, "usr/sbin"), join(root, "usr/bin")], { LD_LIBRARY_PATH });
}

/** Debian keeps libraries in a folder by the machine's kind: usr/lib/x86_64-linux-gnu. */
async function libraryFolders(lib: string): Promise<string[]> {
  const names = await readdir(lib, { withFileTypes: true }).catch(() => []);
  return names.filter((entry) => entry.isDirectory()).map((entry) => join(lib, entry.name));
}

async function programsIn(
  folders: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Programs | undefined> {
  const find = async (name: string): Promise<Command | undefined> => {
    for (const folder of folders) {
      const files = await readdir(folder).catch((): string[] => []);
      if (files.includes(name)) return { command: join(folder, name), env };
    }
    return undefined;
  };
  const [broker, pub, sub] = [
    await find("mosquitto"),
    await find("mosquitto_pub"),
    await find("mosquitto_sub"),
  ];
  return broker && pub && sub ? { broker, pub, sub } : undefined;
}
