#!/usr/bin/env node
import { Command } from "commander";
import { airCommand } from "./air/command.js";
import { RegistrationRefused } from "./refused.js";
import { seismicCommand } from "./seismic/command.js";
import { StateError } from "./state-file.js";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());

const program = new Command("fieldlog-sim")
  .description(
    "Simulated networks of devices, moved by real data, that speak to a running Fieldlog as real devices do.",
  )
  .addCommand(seismicCommand(stop.signal), { isDefault: true })
  .addCommand(airCommand(stop.signal))
  .addHelpText("after", "\n`fieldlog-sim seismic --help` and `fieldlog-sim air --help` list the options.");

program.parseAsync().catch((error: unknown) => {
  const foreseen = error instanceof RegistrationRefused || error instanceof StateError;
  console.error(foreseen ? error.message : error);
  process.exit(1);
});
