import { join } from "node:path";
import { run } from "../../process/run.js";
import type { Found, ObtainContext } from "./found.js";
import { intoCache } from "./workspace.js";

/** Built from source with the Go on this machine (which checks the module's sums). Takes a minute or more. */
export async function fromGo(context: ObtainContext): Promise<Found> {
  const { version } = context;
  const go = await run("go", ["version"]).catch(() => undefined);
  if (go === undefined) return { reason: "Go is not installed" };
  return intoCache(context, async (folder) => {
    context.progress(`building nats-server ${version} with Go`);
    await run("go", ["install", `github.com/nats-io/nats-server/v2@v${version}`], {
      cwd: folder,
      env: { GOBIN: folder, CGO_ENABLED: "0" },
      timeoutMs: 600_000,
    });
    return { path: join(folder, "nats-server") };
  });
}
