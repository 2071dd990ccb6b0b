import type { Command } from "commander";
import type { ReadModel } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, NAMESPACE } from "../context.js";
import { Progress } from "../output/progress.js";
import { clean, count } from "../output/text.js";
import type { World } from "../world.js";

/** What is asked for cannot be undone. */
interface Asking {
  readonly yes?: boolean;
}

interface Cleared {
  readonly commits: number;
  readonly decisions: number;
  readonly signalsBefore: number;
  readonly registryBefore: number;
}

const POLL_MS = 200;

/** `namespaces clear`. */
export function addClear(namespaces: Command, world: World): void {
  namespaces
    .command("clear")
    .argument("<namespace>", "its name or id")
    .description(
      "Clears what its devices were and reported: logs, tables and readings. Its keys, members and settings stay; " +
        "other namespaces are untouched. Asked again, finishes what was broken off.",
    )
    .option("--yes", "do not ask")
    .action(async (namespace: string, { yes }: Asking, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const question = `Clear namespace ${clean(namespace)}: all its devices and all that they reported, for ever?`;
      await sure(world, question, yes);
      const cleared = await api.post<Cleared>(`/v1/namespaces/${part(namespace)}/clear`);
      await untilTablesFollow(api, world);
      print(
        cleared,
        () =>
          `${paint("green", "Cleared")} namespace ${clean(namespace)}: ${count(cleared.commits)} commits and ` +
          `${count(cleared.decisions)} decisions are gone.\n`,
      );
    });
}

/** `devices erase`. */
export function addErase(devices: Command, world: World): void {
  devices
    .command("erase")
    .argument("<id>", "the device's id")
    .description("Removes a device and all that is known of it: rows, readings and keys. Cannot be undone.")
    .option(...NAMESPACE)
    .option("--yes", "do not ask")
    .action(async (id: string, { namespace, yes }: Asking & { namespace: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await sure(world, `Erase device ${clean(id)} and all that it reported, for ever?`, yes);
      await api.post(`/v1/namespaces/${part(namespace)}/devices/${part(id)}/erase`);
      print({ erased: id }, () => `${paint("green", "Erased")} device ${clean(id)}.\n`);
    });
}

/** Raises CliError unless it was said, with `--yes` or at the terminal. */
async function sure(world: World, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true || (await world.confirm(question))) return;
  throw new CliError("nothing was changed", { hint: "With --yes it is done without asking." });
}

/**
 * Shows how many tables have come as far as the log is by now. Who may not see that waits for nothing: the tables
 * follow by themselves.
 */
async function untilTablesFollow(api: Api, world: World): Promise<void> {
  const progress = new Progress(world, "tables", "read models");
  let goals: Map<string, number> | undefined;
  try {
    for (;;) {
      const { readModels } = await api.get<{ readModels: ReadModel[] }>("/v1/read-models");
      goals ??= new Map(readModels.map(({ name, logSequence }) => [name, logSequence]));
      const done = readModels.filter(({ name, sequence, state }) => {
        return state === "stopped" || sequence >= (goals?.get(name) ?? 0);
      }).length;
      progress.show(done, readModels.length);
      if (done === readModels.length) return;
      await world.sleep(POLL_MS);
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
  } finally {
    progress.end();
  }
}
