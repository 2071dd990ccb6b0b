import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../process/run.js";
import type { Found, ObtainContext } from "./found.js";
import { intoCache } from "./workspace.js";

/** The Debian release whose package is taken: nats-server 2.10.27. */
const SUITE = "trixie";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * The Debian package, fetched by apt-get (which checks Debian's signature and sums) with lists and caches of
 * its own in a temporary folder: needs no root and changes nothing in the system.
 */
export async function fromDebian(context: ObtainContext): Promise<Found> {
  try {
    await access(KEYRING);
    await run("apt-get", ["--version"]);
    await run("dpkg-deb", ["--version"]);
  } catch {
    return { reason: "this is not a Debian machine" };
  }
  const mirrors = mirrorsIn(await sourceLists("/etc/apt"));
  let last: Found = { reason: "the machine's source lists name no mirror of Debian's archive" };
  for (const mirror of mirrors) {
    last = await intoCache(context, (folder) => fromMirror(mirror, folder, context.progress)).catch(
      (error: Error) => ({ reason: `${mirror}: ${error.message}` }),
    );
    if ("path" in last) return last;
  }
  return last;
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

async function fromMirror(
  mirror: string,
  folder: string,
  progress: (message: string) => void,
): Promise<Found> {
  const at = (name: string) => join(folder, name);
  for (const name of ["lists/partial", "cache/archives/partial", "unpacked"])
    await mkdir(at(name), { recursive: true });
  await writeFile(at("sources.list"), `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`);
  const options = {
    "Dir::Etc::sourcelist": at("sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::Etc::preferencesparts": "-",
    "Dir::State::lists": at("lists"),
    "Dir::Cache": at("cache"),
    "APT::Sandbox::User": "",
    "APT::Update::Error-Mode": "any",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "1",
    "Acquire::http::Timeout": "10",
    "Acquire::https::Timeout": "10",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (...args: string[]) =>
    run("apt-get", [...flags, ...args], { cwd: folder, timeoutMs: 240_000, env: { LC_ALL: "C" } });

  progress(`reading Debian's package list from ${mirror}`);
  await apt("-qq", "update");
  progress("downloading the Debian package nats-server");
  await apt("-qq", "download", "nats-server");
  const archive = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (!archive) return { reason: `${mirror} has no package nats-server for this machine` };
  await run("dpkg-deb", ["-x", at(archive), at("unpacked")]);
  for (const place of ["usr/sbin/nats-server", "usr/bin/nats-server"]) {
    const path = join(at("unpacked"), place);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return { path };
  }
  return { reason: `${archive} holds no nats-server` };
}
