import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inFreshFolder } from "../fresh-folder.js";
import { claimDataDirectory, DataDirectoryInUse } from "../process/pid-file.js";
import { run } from "../process/run.js";
import { type RunningS3Server, type S3ServerOptions, startS3Server } from "./start.js";

export interface ObtainVersitygwOptions {
  /** The folder that keeps the program for the next time. */
  cacheDir: string;
  /** Gets a line for a person whenever something is under way, and the reason when there is none. */
  progress: (message: string) => void;
}

/** Versity S3 Gateway: a real server that speaks S3 and checks its signatures, over a folder of this machine. */
export interface Versitygw {
  readonly program: string;
  /** Starts one on 127.0.0.1. Raises ServerDidNotStart. */
  server(o: S3ServerOptions): Promise<RunningS3Server>;
}

const VERSION = "1.8.0";
const NAME = "versitygw";

/**
 * The installed one, else the one that was kept from an earlier time, else built from source with the Go on this
 * machine, which checks the module's sums (a minute or more). Undefined where none of these can be had.
 */
export async function obtainVersitygw(o: ObtainVersitygwOptions): Promise<Versitygw | undefined> {
  const kept = join(o.cacheDir, NAME);
  const found = (await working(NAME)) ?? (await working(kept));
  if (found) return found;
  const reason = await oneByOne(o, () => fromGo(o, kept)).catch((error: Error) => error.message);
  const obtained = await working(kept);
  if (!obtained) o.progress(`no S3 server on this machine: ${reason ?? "it does not run here"}`);
  return obtained;
}

async function fromGo(o: ObtainVersitygwOptions, target: string): Promise<string | undefined> {
  const go = await run("go", ["version"]).catch(() => undefined);
  if (go === undefined) return "Go is not installed";
  // Another process may have been first.
  if (await working(target)) return undefined;
  return await inFreshFolder(o.cacheDir, async (folder) => {
    o.progress(`building ${NAME} ${VERSION} with Go`);
    await run("go", ["install", "-ldflags=-s -w", `github.com/versity/${NAME}/cmd/${NAME}@v${VERSION}`], {
      cwd: folder,
      env: { GOBIN: folder, CGO_ENABLED: "0" },
      timeoutMs: 600_000,
    });
    await rename(join(folder, NAME), target);
    return undefined;
  });
}

/** Building takes all of a machine, so of several processes one does it while the others wait. */
async function oneByOne<T>({ cacheDir }: ObtainVersitygwOptions, work: () => Promise<T>): Promise<T> {
  const claimed = join(cacheDir, `${NAME}-build`);
  await mkdir(claimed, { recursive: true });
  for (;;) {
    const end = await claimDataDirectory(NAME, claimed).catch((error: unknown) => {
      if (error instanceof DataDirectoryInUse) return undefined;
      throw error;
    });
    if (end === undefined) await sleep(500);
    else return await work().finally(end);
  }
}

async function working(program: string): Promise<Versitygw | undefined> {
  const said = await run(program, ["--help"], { timeoutMs: 20_000 }).catch(() => "");
  if (!said.includes("Versity S3 Gateway")) return undefined;
  return { program, server: (o) => startS3Server(program, o) };
}
