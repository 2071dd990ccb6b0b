import type { Command } from "commander";
import type { DeadLetter } from "../api/answers.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { table } from "../output/table.js";
import { clean, count, time } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./values.js";

interface Target {
  readModel: string;
  namespace: string;
}

const READ_MODEL = ["--read-model <name>", "the read model that could not apply them"] as const;

export function addDeadLetters(program: Command, world: World): void {
  const deadLetters = program
    .command("dead-letters")
    .description("What a read model could not apply: that device's signals wait from there on.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog dead-letters list", "which devices are parked, and why"],
        ["fieldlog dead-letters retry 1234 --read-model events", "apply them, once the cause is mended"],
        ["fieldlog dead-letters drop 1234 --read-model events", "go on without them; the log keeps them"],
      ),
    );

  deadLetters
    .command("list")
    .description("What is parked, the oldest first.")
    .option("--limit <number>", "how many at most", positive, 100)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ deadLetters: DeadLetter[] }>("/v1/dead-letters", { limit });
      print(answer, () =>
        answer.deadLetters.length === 0
          ? "Nothing is parked.\n"
          : table(
              ["READ MODEL", "NAMESPACE", "DEVICE", "POSITION", "PARKED", "REASON"],
              answer.deadLetters.map((letter) => [
                clean(letter.readModel),
                clean(letter.namespace),
                clean(letter.device),
                clean(letter.position),
                time(letter.parkedAt),
                clean(letter.reason, 100),
              ]),
              paint,
            ),
      );
    });

  deadLetters
    .command("retry")
    .argument("<device>", "the device's id")
    .description("Applies a device's parked signals from the oldest on.")
    .requiredOption(...READ_MODEL)
    .option(...NAMESPACE)
    .action(async (device: string, { readModel, namespace }: Target, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const body = { readModel, namespace, device };
      const answer = await api.post<{ applied: number; remaining: number }>("/v1/dead-letters/retry", body);
      print(answer, () =>
        answer.remaining > 0
          ? `${paint("yellow", "Still parked:")} ${count(answer.applied)} applied, ${count(answer.remaining)} wait. Why: fieldlog dead-letters list\n`
          : `${paint("green", "Applied")} ${count(answer.applied)}; device ${clean(device)} goes on.\n`,
      );
    });

  deadLetters
    .command("drop")
    .argument("<device>", "the device's id")
    .description("Leaves a device's parked signals out of the read model. They stay in the log.")
    .requiredOption(...READ_MODEL)
    .option(...NAMESPACE)
    .option("--yes", "do not ask")
    .action(async (device: string, options: Target & { yes?: boolean }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { readModel, namespace } = options;
      const question = `Leave the parked signals of device ${clean(device)} out of ${clean(readModel)}?`;
      if (!options.yes && !(await world.confirm(question))) {
        throw new CliError("nothing was dropped", { hint: "With --yes it is done without asking." });
      }
      const body = { readModel, namespace, device };
      const answer = await api.post<{ dropped: number }>("/v1/dead-letters/drop", body);
      print(
        answer,
        () => `${paint("green", "Dropped")} ${count(answer.dropped)}; device ${clean(device)} goes on.\n`,
      );
    });
}
