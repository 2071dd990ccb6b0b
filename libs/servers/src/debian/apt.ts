import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../process/run.js";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What apt-get does in a folder of its own: checks Debian's signature and sums, needs no root, changes nothing in the system. */
export interface Apt {
  /** Downloads these packages; their paths. Raises CommandFailed, also when there is no such package. */
  download(...packages: string[]): Promise<string[]>;
  /** These packages and those that they need and this machine has not. Raises CommandFailed. */
  downloadWithMissing(...packages: string[]): Promise<string[]>;
}

/** Why there is no use in asking Debian's archive on this machine; undefined when there is. */
export async function notDebian(): Promise<string | undefined> {
  try {
    await access(KEYRING);
    await run("apt-get", ["--version"]);
    await run("dpkg-deb", ["--version"]);
    return undefined;
  } catch {
    return "this is not a Debian machine";
  }
}

/** The code name of this machine's Debian release, as `bookworm`. */
export async function debianRelease(): Promise<string | undefined> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^ID="?debian"?$/m.test(text) ? /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1] : undefined;
}

/** The mirrors of Debian's own archive that this machine's source lists name. */
export async function debianMirrors(): Promise<string[]> {
  return mirrorsIn(await sourceLists("/etc/apt"));
}

/** The mirrors of Debian's own archive that source lists name: of both formats, sources.list(5). */
export function mirrorsIn(lists: string): string[] {
  const uris = lists
    .split("\n")
    .filter((line) => /^\s*(deb\s|URIs:)/.test(line))
    .flatMap((line) => line.match(/https?:\/\/\S+/g) ?? []);
  return [...new Set(uris.map((uri) => uri.replace(/\/+$/, "")))].filter((uri) => /\/debian$/.test(uri));
}

async function sourceLists(folder: string): Promise<string> {
  const parts = await readdir(join(folder, "sources.list.d")).catch(() => []);
  const files = ["sources.list", ...parts.map((part) => join("sources.list.d", part))];
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8").catch(() => "")));
  return texts.join("\n");
}

/** Reads a mirror's package list of one Debian release; lists and caches lie in `folder`. Raises CommandFailed. */
export async function openApt(o: {
  mirror: string;
  release: string;
  folder: string;
  progress: (message: string) => void;
}): Promise<Apt> {
  const at = (name: string) => join(o.folder, name);
  for (const name of ["lists/partial", "cache/archives/partial", "downloaded"])
    await mkdir(at(name), { recursive: true });
  await writeFile(at("sources.list"), `deb [signed-by=${KEYRING}] ${o.mirror} ${o.release} main\n`);
  const options = {
    "Dir::Etc::sourcelist": at("sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::preferencesparts": "-",
    "Dir::State::lists": at("lists"),
    "Dir::Cache": at("cache"),
    "APT::Sandbox::User": "",
    "APT::Update::Error-Mode": "any",
    "APT::Install-Recommends": "false",
    // Nothing is installed: the system's lock stays free.
    "Debug::NoLocking": "true",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "1",
    "Acquire::http::Timeout": "10",
    "Acquire::https::Timeout": "10",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (...args: string[]) =>
    run("apt-get", [...flags, "-qq", ...args], {
      cwd: at("downloaded"),
      timeoutMs: 240_000,
      env: { LC_ALL: "C" },
    });
  const packagesIn = async (name: string) =>
    (await readdir(at(name))).filter((file) => file.endsWith(".deb")).map((file) => join(at(name), file));

  o.progress(`reading Debian's package list from ${o.mirror}`);
  await apt("update");
  const telling = (packages: string[]) => o.progress(`downloading from Debian: ${packages.join(", ")}`);
  return {
    download: async (...packages) => {
      telling(packages);
      await apt("download", ...packages);
      return packagesIn("downloaded");
    },
    downloadWithMissing: async (...packages) => {
      telling(packages);
      await apt("--yes", "--download-only", "install", ...packages);
      return packagesIn("cache/archives");
    },
  };
}
