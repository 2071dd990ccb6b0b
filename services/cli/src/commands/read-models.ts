import type { Command } from "commander";
import type { ReadModel } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { type Context, contextOf, examples } from "../context.js";
import { Progress } from "../output/progress.js";
import { right, table } from "../output/table.js";
import { clean, count, duration, type Paint } from "../output/text.js";
import type { World } from "../world.js";

const POLL_MS = 400;
/** Milliseconds after which a rebuild that was never seen under way has been a short one. */
const SHORT_MS = 1_500;

export function addReadModels(program: Command, world: World): void {
  const readModels = program
    .command("read-models")
    .description("Tables that are built from the log, and can be built again.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog read-models status", "how far each has followed the log"],
        ["fieldlog read-models rebuild events", "build it anew beside the live one; queries go on meanwhile"],
        ["fieldlog read-models rebuild --all", "all of them, one after the other"],
      ),
    );

  readModels
    .command("status")
    .description("How far each read model is behind the log.")
    .action(async (_options, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ readModels: ReadModel[] }>("/v1/read-models");
      print(answer, () => statusTable(answer.readModels, paint));
    });

  readModels
    .command("rebuild")
    .argument("[name]", "as `read-models status` names it")
    .description("Builds a read model anew from the log and swaps it in when it has caught up.")
    .option("--all", "every read model, one after the other")
    .option("--no-wait", "return as soon as it has begun")
    .action(async (name: string | undefined, options: RebuildOptions, command: Command) => {
      const context = contextOf(command, world);
      if ((name === undefined) !== (options.all === true)) {
        throw new CliError("name a read model, or say --all", {
          hint: "fieldlog read-models status names them.",
        });
      }
      const names = name === undefined ? await namesOf(context.api) : [name];
      if (options.wait) for (const each of names) await rebuildAndWait(each, context);
      else await begin(names, context);
    });
}

interface RebuildOptions {
  readonly all?: boolean;
  readonly wait: boolean;
}

async function namesOf(api: Api): Promise<string[]> {
  const { readModels } = await api.get<{ readModels: ReadModel[] }>("/v1/read-models");
  return readModels.map(({ name }) => name);
}

async function begin(names: readonly string[], { api, print }: Context): Promise<void> {
  for (const name of names) {
    await api.post(`/v1/read-models/${part(name)}/rebuild`);
    print({ name, state: "rebuilding" }, () => "It has begun. To watch it: fieldlog read-models status\n");
  }
}

async function rebuildAndWait(name: string, { api, world, print, paint }: Context): Promise<void> {
  await api.post(`/v1/read-models/${part(name)}/rebuild`);
  const startedAt = world.now();
  const model = await waitForRebuild(api, name, world);
  const took = duration(world.now() - startedAt);
  print(
    model,
    () => `${paint("green", "Rebuilt")} ${clean(name)}: ${count(model.sequence)} commits in ${took}.\n`,
  );
}

function statusTable(readModels: readonly ReadModel[], paint: Paint): string {
  const rows = readModels.map((model) => [
    clean(model.name),
    count(model.version),
    statePainted(model, paint),
    count(model.sequence),
    count(Math.max(0, model.logSequence - model.sequence)),
    count(model.parkedDevices),
  ]);
  const columns = ["NAME", right("VERSION"), "STATE", right("APPLIED"), right("BEHIND"), right("PARKED")];
  const reasons = readModels.flatMap(({ name, reason }) =>
    reason ? [`${clean(name)}: ${clean(reason, 500)}\n`] : [],
  );
  const parked = readModels.some(({ parkedDevices }) => parkedDevices)
    ? ["What was parked, and why: fieldlog dead-letters list\n"]
    : [];
  const notes = [...reasons, ...parked];
  return table(columns, rows, paint) + (notes.length > 0 ? `\n${notes.join("")}` : "");
}

function statePainted({ state, rebuildSequence, logSequence }: ReadModel, paint: Paint): string {
  if (state === "live") return paint("green", state);
  if (state === "stopped") return paint("red", state);
  const share =
    rebuildSequence && logSequence ? ` ${Math.floor((100 * rebuildSequence) / logSequence)}%` : "";
  return paint("yellow", clean(state) + share);
}

/** Shows how far the rebuild is until it is over. Raises CliError if the read model stopped. */
async function waitForRebuild(api: Api, name: string, world: World): Promise<ReadModel> {
  const progress = new Progress(world, name);
  const startedAt = world.now();
  let seen = false;
  try {
    for (;;) {
      const { readModels } = await api.get<{ readModels: ReadModel[] }>("/v1/read-models");
      const model = readModels.find((candidate) => candidate.name === name);
      if (!model) throw new CliError(`read model ${name} is no longer there`);
      if (model.state === "stopped") {
        throw new CliError(`read model ${name} stopped: ${model.reason || "no reason given"}`);
      }
      if (model.state === "rebuilding") {
        seen = true;
        progress.show(model.rebuildSequence ?? 0, model.logSequence);
      } else if (seen || world.now() - startedAt > SHORT_MS) {
        return model;
      }
      await world.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}
