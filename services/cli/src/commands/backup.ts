import { resolve } from "node:path";
import type { Manifest } from "@fieldlog/backup";
import { type Command, InvalidArgumentError } from "commander";
import { natsUrl, postgresUrl } from "../api/servers.js";
import { CliError } from "../cli-error.js";
import { examples } from "../context.js";
import { Progress } from "../output/progress.js";
import { clean, count, duration, painter, time } from "../output/text.js";
import type { World } from "../world.js";

/** `backup` and `restore`: the two that speak to the servers themselves, since they are for when nothing else runs. */
export function addBackup(program: Command, world: World): void {
  program
    .command("backup")
    .argument("<folder>", "made; each backup has one of its own")
    .description(
      "Copies the log and all that cannot be built from it, while everything runs: both streams, cursors, data keys " +
        "(sealed), uploads in NATS. Not in it: the installation key, uploads in S3, and the tables, which are built anew.",
    )
    .addHelpText("afterAll", WHERE)
    .addHelpText(
      "afterAll",
      examples(["fieldlog backup /backups/2026-11-21", "everything, into a new folder"]),
    )
    .action((folder: string, _options, command: Command) => runBackup(folder, command, world));
  program
    .command("restore")
    .argument("<folder>", "what `fieldlog backup` made")
    .description(
      "Puts a backup back onto empty servers; stop all services first. Checks all of it before it changes anything. " +
        "The services then build their tables from the log by themselves.",
    )
    .option("--replace", "remove the streams and tables that are there")
    .option(
      "--reserve <n>",
      "commits to leave out after the backup's end, so that positions which clients got since are not given out again (default: 10000)",
      whole,
    )
    .option("--yes", "do not ask")
    .addHelpText("afterAll", WHERE)
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog restore /backups/2026-11-21", "onto empty servers"],
        ["fieldlog restore /backups/2026-11-21 --replace", "in place of what is there"],
      ),
    )
    .action((folder: string, options: RestoreChoice, command: Command) =>
      runRestore(folder, options, command, world),
    );
}

const WHERE = `
Servers: FIELDLOG_NATS_URL (else the one that npm start runs here); restore also FIELDLOG_POSTGRES_URL and
FIELDLOG_REPLICAS. Where npm start runs everything: npm start -- --restore <folder>
`;

async function runBackup(folder: string, command: Command, world: World): Promise<void> {
  const shown = new Steps(world);
  const startedAt = world.now();
  const options = {
    natsUrl: natsUrl(world),
    folder: resolve(world.cwd, folder),
    onProgress: (stream: string, done: number, total: number) => shown.show(stream, done, total),
  };
  const { manifest, others } = await reported(({ backUp }) => backUp(options), shown);
  tell({ ...manifest, others }, command, world, (paint) => [
    `${paint("green", "Backed up")} ${contents(manifest)} in ${duration(world.now() - startedAt)}.`,
    ...(others.length > 0 ? [`Not Fieldlog's, and left out: ${clean(others.join(", "))}`] : []),
    `${paint("bold", "The installation key is not in it")} (FIELDLOG_INSTALLATION_KEY, or secrets/installation-key in the data`,
    "folder), and without it no secret in the backup can be opened: keep a copy of the key somewhere else.",
    ...(world.env["FIELDLOG_S3_ENDPOINT"]
      ? ["Uploads are in S3, and not in it: copy that bucket now, by its own means."]
      : []),
  ]);
}

interface RestoreChoice {
  readonly replace?: boolean;
  readonly reserve?: number;
  readonly yes?: boolean;
}

async function runRestore(
  folder: string,
  { replace = false, reserve, yes }: RestoreChoice,
  command: Command,
  world: World,
) {
  const from = resolve(world.cwd, folder);
  const servers = { natsUrl: natsUrl(world), postgresUrl: postgresUrl(world), replicas: replicasOf(world) };
  if (replace && !yes && !(await world.confirm("Remove the log and the tables that are there, for ever?"))) {
    throw new CliError("nothing was changed", { hint: "With --yes it is done without asking." });
  }
  const shown = new Steps(world);
  const options = {
    ...{ ...servers, folder: from, replace, reserve },
    onProgress: (step: string, done: number, total: number) => shown.show(step, done, total),
  };
  const { manifest, signalsEnd } = await reported(({ restore }) => restore(options), shown);
  tell({ ...manifest, signalsEnd }, command, world, (paint) => [
    `${paint("green", "Restored")} ${contents(manifest)}, as of ${time(manifest.beganAt)}. SIGNALS goes on after ${count(signalsEnd)}.`,
    "Next: 1. Start the services, with the installation key of that time. They build their tables from the log;",
    "         fieldlog read-models status   tells how far they are.",
    "      2. What was acknowledged after that time is lost, and with it what was erased, revoked or registered since:",
    "         erase and revoke it again; devices that register by themselves do so when they are refused.",
  ]);
}

/** One bar for each step. */
class Steps {
  #step: string | undefined;
  #progress: Progress | undefined;

  constructor(private readonly world: World) {}

  show(step: string, done: number, total: number): void {
    if (step !== this.#step) {
      this.#progress?.end();
      this.#progress = new Progress(this.world, clean(step), step.startsWith("positions") ? "" : "bytes");
      this.#step = step;
    }
    this.#progress?.show(done, total);
  }

  end(): void {
    this.#progress?.end();
  }
}

type Library = typeof import("@fieldlog/backup");

/** Loads what speaks to the servers, which no other command needs, and tells its refusals as ours. */
async function reported<T>(work: (library: Library) => Promise<T>, shown: Steps): Promise<T> {
  const library = await import("@fieldlog/backup");
  try {
    return await work(library);
  } catch (error) {
    if (!(error instanceof library.BackupError)) throw error;
    throw new CliError(error.message, { hint: error.hint, cause: error });
  } finally {
    shown.end();
  }
}

function contents({ streams }: Manifest): string {
  const bytes = streams.reduce((sum, part) => sum + part.bytes, 0);
  return `${count(streams.length)} streams, ${count(bytes)} bytes`;
}

function tell(
  answer: object,
  command: Command,
  world: World,
  lines: (paint: ReturnType<typeof painter>) => readonly string[],
): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  if (json) world.out(`${JSON.stringify(answer, null, 2)}\n`);
  else world.out(`${lines(painter(world.terminal, world.env)).join("\n")}\n`);
}

function replicasOf({ env }: World): number {
  const text = env["FIELDLOG_REPLICAS"] || "1";
  if (!/^[1-5]$/.test(text))
    throw new CliError(`FIELDLOG_REPLICAS must be an integer from 1 to 5 (is ${clean(text)})`);
  return Number(text);
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number, at most 999,999,999.");
}
