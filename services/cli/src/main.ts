import { CommanderError } from "commander";
import { CliError } from "./cli-error.js";
import { painter } from "./output/text.js";
import { makeProgram } from "./program.js";
import { realWorld, type World } from "./world.js";

/**
 * Runs one command line (without node and the script's name).
 *
 * @returns what the process should end with: 0 done; 1 refused or failed; 2 not a command line
 */
export async function runCli(args: readonly string[], world: World = realWorld()): Promise<number> {
  try {
    await makeProgram(world).parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CliError)) throw error;
    tell(error, args.includes("--json"), world);
    return 1;
  }
}

function tell(error: CliError, json: boolean, world: World): void {
  if (json) {
    const { message, hint, status } = error;
    world.err(`${JSON.stringify({ error: { message, status, hint } })}\n`);
    return;
  }
  if (error.verbatim) {
    world.out(`${error.message}\n`);
    return;
  }
  const paint = painter(world.terminal, world.env);
  world.err(`${paint("red", "error:")} ${error.message}\n${error.hint ? `${error.hint}\n` : ""}`);
}
