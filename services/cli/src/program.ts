import { Command, type CommanderError } from "commander";
import { addBackup } from "./commands/backup.js";
import { addCred } from "./commands/cred.js";
import { addDeadLetters } from "./commands/dead-letters.js";
import { addDevices } from "./commands/devices.js";
import { addEvents } from "./commands/events.js";
import { addFleet } from "./commands/fleet.js";
import { addInstallation } from "./commands/installation.js";
import { addKeys } from "./commands/keys.js";
import { addMessages } from "./commands/messages.js";
import { addNamespaces } from "./commands/namespaces.js";
import { addProperties } from "./commands/properties.js";
import { addProvisioning } from "./commands/provisioning.js";
import { addReadModels } from "./commands/read-models.js";
import { addReadings } from "./commands/readings.js";
import { addRequests } from "./commands/requests.js";
import { addSamples } from "./commands/samples.js";
import { addSamplings } from "./commands/samplings.js";
import { addSim } from "./commands/sim.js";
import { addStreams } from "./commands/streams.js";
import { addSubscriptions } from "./commands/subscriptions.js";
import { examples } from "./context.js";
import type { World } from "./world.js";

/** The whole command line. It writes through `world` and throws CommanderError instead of ending the process. */
export function makeProgram(world: World): Command {
  const program = new Command("fieldlog")
    .description("Operates a Fieldlog installation over its HTTP API.")
    .option("--url <url>", "where it is; default: FIELDLOG_PUBLIC_URL, else http://127.0.0.1:8080")
    .option(
      "--key <key>",
      "API key; default: FIELDLOG_ADMIN_KEY, else the one that npm start left in .fieldlog/secrets/admin-key",
    )
    .option("--json", "answer as JSON, for programs")
    .addHelpText(
      "after",
      examples(
        ["fieldlog events tail", "watch events arrive"],
        ["fieldlog messages tail --topic 'tele/#'", "watch MQTT messages arrive"],
        ["fieldlog devices list", "who is there"],
        ["fieldlog devices create boiler", "one more, that speaks MQTT"],
        ["fieldlog keys create --permission read --name dashboard", "a key for a program"],
        ["fieldlog read-models status", "is anything behind?"],
      ),
    )
    .showHelpAfterError("(--help says more)");
  const data = [
    addEvents,
    addSubscriptions,
    addMessages,
    addDevices,
    addProperties,
    addFleet,
    addProvisioning,
    addRequests,
    addReadings,
    addSamplings,
    addSamples,
    addStreams,
    addKeys,
    addNamespaces,
  ];
  const operating = [addReadModels, addDeadLetters, addBackup, addInstallation];
  for (const add of [...data, addCred, ...operating, addSim]) add(program, world);
  prepare(program, world);
  return program;
}

/** Commander inherits these only at the moment at which a command is made. */
function prepare(command: Command, world: World): void {
  command.exitOverride((error: CommanderError) => {
    throw error;
  });
  command.configureOutput({
    writeOut: (text) => world.out(text),
    writeErr: (text) => world.err(text),
    getOutHelpWidth: () => Math.min(world.width, 110),
    getErrHelpWidth: () => Math.min(world.width, 110),
  });
  command.configureHelp({ showGlobalOptions: true });
  for (const child of command.commands) prepare(child, world);
}
