import { access, mkdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { inFreshFolder } from "../fresh-folder.js";
import { environment } from "../process/environment.js";
import { run } from "../process/run.js";

/** A package of Python's index, of one release. */
export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  /** Whether it exists as source alone, so that pip has to build it. Default: false. */
  readonly source?: boolean;
  /** A script that ends well where the package is, and prints what is to be known of it. */
  readonly check: string;
}

/** A Python that has the package. */
export interface WithPackage {
  readonly python: string;
  /** What the check printed. */
  readonly said: string;
  /** To be added to the environment of `python`. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ObtainPackageOptions {
  /** The folder that keeps it for the next time. */
  cacheDir: string;
  /** Gets a line for a person whenever something is under way, and the reason when there is none. */
  progress: (message: string) => void;
}

/**
 * A Python 3 with the package, which is installed into the cache by pip where it has not been before.
 * Undefined where there is no Python, or pip cannot reach its index.
 */
export async function obtainPackage(
  wanted: PythonPackage,
  o: ObtainPackageOptions,
): Promise<WithPackage | undefined> {
  const target = join(o.cacheDir, wanted.name);
  const kept = await working(wanted, target);
  if (kept) return kept;
  const reason = await install(wanted, o, target).catch((error: Error) => error.message);
  const obtained = await working(wanted, target);
  if (!obtained) o.progress(`no ${wanted.name} on this machine: ${reason ?? "it does not run here"}`);
  return obtained;
}

/** A folder of packages and not a virtual environment: that would hold the path at which it was made. */
async function install(
  wanted: PythonPackage,
  o: ObtainPackageOptions,
  target: string,
): Promise<string | undefined> {
  const { name, version, source = false } = wanted;
  await run("python3", ["-m", "pip", "--version"]);
  return inFreshFolder(o.cacheDir, async (folder) => {
    const packages = join(folder, "packages");
    await mkdir(packages);
    o.progress(`installing ${name} ${version} for Python`);
    const quiet = [
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--retries",
      "1",
      "--timeout",
      "10",
    ];
    const form = source ? ["--no-deps"] : ["--only-binary", ":all:"];
    const what = [...form, "--target", packages, `${name}==${version}`];
    await run("python3", ["-m", "pip", "install", ...quiet, ...what], {
      timeoutMs: 120_000,
      env: { PIP_ROOT_USER_ACTION: "ignore" },
    });
    if (!(await working(wanted, packages))) return "the package does not run here";
    await rename(packages, target).catch(async () => {
      if (await working(wanted, target)) return;
      await rm(target, { recursive: true, force: true });
      await rename(packages, target);
    });
    return undefined;
  });
}

async function working({ check }: PythonPackage, folder: string): Promise<WithPackage | undefined> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  const inherited = environment()["PYTHONPATH"];
  const env = { PYTHONPATH: [folder, ...(inherited ? [inherited] : [])].join(delimiter) };
  const said = await run("python3", ["-c", check], { env }).catch(() => undefined);
  return said === undefined ? undefined : { python: "python3", said: said.trim(), env };
}
