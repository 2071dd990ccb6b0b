import { access, mkdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { inFreshFolder } from "../fresh-folder.js";
import { environment } from "../process/environment.js";
import { run } from "../process/run.js";

/** The release of Eclipse Paho for Python: the one that has both callback interfaces. */
const PAHO_VERSION = "2.1.0";

/** A Python that has paho-mqtt. */
export interface Paho {
  readonly python: string;
  /** Of paho-mqtt. */
  readonly version: string;
  /** To be added to the environment of `python`. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ObtainPahoOptions {
  /** The folder that keeps it for the next time. */
  cacheDir: string;
  /** Gets a line for a person whenever something is under way, and the reason when there is none. */
  progress: (message: string) => void;
}

/**
 * A Python 3 with paho-mqtt, which is installed into the cache by pip where it has not been before.
 * Undefined where there is no Python, or pip cannot reach its index.
 */
export async function obtainPaho(o: ObtainPahoOptions): Promise<Paho | undefined> {
  const target = join(o.cacheDir, "paho-mqtt");
  const kept = await working(target);
  if (kept) return kept;
  const reason = await install(o, target).catch((error: Error) => error.message);
  const obtained = await working(target);
  if (!obtained) o.progress(`no paho-mqtt on this machine: ${reason ?? "it does not run here"}`);
  return obtained;
}

/** A folder of packages and not a virtual environment: that would hold the path at which it was made. */
async function install(o: ObtainPahoOptions, target: string): Promise<string | undefined> {
  await run("python3", ["-m", "pip", "--version"]);
  return inFreshFolder(o.cacheDir, async (folder) => {
    const packages = join(folder, "packages");
    await mkdir(packages);
    o.progress(`installing paho-mqtt ${PAHO_VERSION} for Python`);
    const quiet = [
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--retries",
      "1",
      "--timeout",
      "10",
    ];
    const what = ["--only-binary", ":all:", "--target", packages, `paho-mqtt==${PAHO_VERSION}`];
    await run("python3", ["-m", "pip", "install", ...quiet, ...what], {
      timeoutMs: 120_000,
      env: { PIP_ROOT_USER_ACTION: "ignore" },
    });
    if (!(await working(packages))) return "the package does not run here";
    await rename(packages, target).catch(async () => {
      if (await working(target)) return;
      await rm(target, { recursive: true, force: true });
      await rename(packages, target);
    });
    return undefined;
  });
}

async function working(folder: string): Promise<Paho | undefined> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  const inherited = environment()["PYTHONPATH"];
  const env = { PYTHONPATH: [folder, ...(inherited ? [inherited] : [])].join(delimiter) };
  const script = "import paho.mqtt, paho.mqtt.client; print(paho.mqtt.__version__)";
  const version = await run("python3", ["-c", script], { env }).catch(() => undefined);
  return version === undefined ? undefined : { python: "python3", version: version.trim(), env };
}
