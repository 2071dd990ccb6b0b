import { access, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { debianMirrors, notDebian, openApt } from "../../debian/apt.js";
import { run } from "../../process/run.js";
import type { Found, ObtainContext } from "./found.js";
import { intoCache } from "./workspace.js";

/** The Debian release whose package is taken: nats-server 2.10.27. A Go program, it runs on older releases too. */
const RELEASE = "trixie";

/** The Debian package, from the first of the machine's mirrors that has it. */
export async function fromDebian(context: ObtainContext): Promise<Found> {
  const unfit = await notDebian();
  if (unfit) return { reason: unfit };
  let last: Found = { reason: "the machine's source lists name no mirror of Debian's archive" };
  for (const mirror of await debianMirrors()) {
    last = await intoCache(context, (folder) => fromMirror(mirror, folder, context.progress)).catch(
      (error: Error) => ({ reason: `${mirror}: ${error.message}` }),
    );
    if ("path" in last) return last;
  }
  return last;
}

async function fromMirror(
  mirror: string,
  folder: string,
  progress: (message: string) => void,
): Promise<Found> {
  const apt = await openApt({ mirror, release: RELEASE, folder, progress });
  const [archive] = await apt.download("nats-server");
  if (!archive) return { reason: `${mirror} has no package nats-server for this machine` };
  const unpacked = join(folder, "unpacked");
  await mkdir(unpacked);
  await run("dpkg-deb", ["-x", archive, unpacked]);
  for (const place of ["usr/sbin/nats-server", "usr/bin/nats-server"]) {
    const path = join(unpacked, place);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return { path };
  }
  return { reason: `${basename(archive)} holds no nats-server` };
}
