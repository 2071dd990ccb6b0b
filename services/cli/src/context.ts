import type { Command } from "commander";
import { findAccess } from "./api/access.js";
import { Api } from "./api/api.js";
import { type Paint, painter } from "./output/text.js";
import type { World } from "./world.js";

/** What a command has at hand. */
export interface Context {
  readonly world: World;
  readonly api: Api;
  readonly paint: Paint;
  readonly json: boolean;
  /** `answer` as JSON where a program asked for it, otherwise what `forPeople` makes. */
  print(answer: unknown, forPeople: () => string): void;
}

/** The context that the options before and after the command's name ask for. Raises CliError without a key. */
export function contextOf(command: Command, world: World): Context {
  const options = command.optsWithGlobals<{ url?: string; key?: string; json?: boolean }>();
  const json = options.json === true;
  return {
    world,
    json,
    api: new Api(findAccess(options, world.env, world.cwd), world),
    paint: painter(world.terminal, world.env),
    print: (answer, forPeople) => world.out(json ? `${JSON.stringify(answer, null, 2)}\n` : forPeople()),
  };
}

/** The option that most commands share. */
export const NAMESPACE = ["-n, --namespace <name>", "name or id of the namespace", "default"] as const;

/** What it gives. */
export interface Scope {
  readonly namespace: string;
}

/** Examples at the end of a command's help. */
export function examples(...lines: (readonly [command: string, meaning: string])[]): string {
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}\n`).join("")}`;
}
