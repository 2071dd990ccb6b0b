import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { findAccess } from "../api/access.js";
import { CliError } from "../cli-error.js";
import { examples } from "../context.js";
import type { World } from "../world.js";

/** The simulator is a program of its own, to which the command line is handed on. */
export function addSim(program: Command, world: World): void {
  program
    .command("sim")
    .description(
      "A simulated network of devices: seismic (HTTP), or air (MQTT). `fieldlog sim air --help` says more.",
    )
    .argument("[network]", "seismic, which is the default, or air")
    .argument("[options...]", "of that network")
    .helpOption(false)
    .allowUnknownOption()
    .addHelpText(
      "afterAll",
      examples(["fieldlog sim", "earthquakes"], ["fieldlog sim air --sensors 100", "the air of Seattle"]),
    )
    .action(async (_network, _options, _opts, command: Command) => {
      const asked = command.args;
      const network = asked[0]?.startsWith("-") === false ? asked[0] : "seismic";
      const options = asked[0] === network ? asked.slice(1) : asked;
      const help = options.includes("--help") || options.includes("-h");
      const { url, key } = help
        ? { url: undefined, key: "" }
        : findAccess(command.optsWithGlobals<{ url?: string; key?: string }>(), world.env, world.cwd);
      const main = fileURLToPath(new URL("main.js", import.meta.resolve("@fieldlog/simulator")));
      const args = [main, network, ...(url ? ["--url", url] : []), ...options];
      const code = await world.run(process.execPath, args, { FIELDLOG_ADMIN_KEY: key });
      if (code !== 0) throw new CliError(`the simulator ended with ${code}`);
    });
}
