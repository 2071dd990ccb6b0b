import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { wholeNumber } from "@fieldlog/arguments";
import { Command, Option } from "commander";
import { factor, httpUrl } from "../arguments.js";
import { Registrations } from "./device/registrations.js";
import { parseCatalogue } from "./network/catalogue.js";
import { placeStations } from "./network/stations.js";
import { simulate } from "./simulation.js";

interface Arguments {
  url: string;
  key?: string;
  namespace: string;
  stations: number;
  speed: number;
  seed: number;
  concurrency: number;
  state: string;
}

const CATALOGUE = new URL("../../data/usgs-earthquakes-2018-02-week.csv", import.meta.url);

/** `fieldlog-sim seismic`; runs until the signal. */
export function seismicCommand(stop: AbortSignal): Command {
  return new Command("seismic")
    .description(
      "A simulated seismic network. Its stations register at a running Fieldlog, send signed heartbeats, and pick " +
        "the earthquakes of one real week of 2018, which happen again from now on. What it shows of each earthquake " +
        "is read back from Fieldlog.",
    )
    .option("--url <url>", "the HTTP edge", httpUrl, "http://127.0.0.1:8080")
    .addOption(
      new Option("--key <key>", "an API key that may read, to show what comes back").env(
        "FIELDLOG_ADMIN_KEY",
      ),
    )
    .option("--namespace <name>", "the namespace to which the stations belong", "default")
    .option("--stations <number>", "how many stations", wholeNumber(1, 10_000), 300)
    .option(
      "--speed <factor>",
      "how many times as fast as in 2018 earthquakes and heartbeats follow each other",
      factor,
      60,
    )
    .option("--seed <number>", "another seed, other places of the stations", wholeNumber(0, 4_294_967_295), 1)
    .option("--concurrency <number>", "requests under way at once", wholeNumber(1, 1_000), 16)
    .option(
      "--state <folder>",
      "where the stations keep their ids, secrets and message ids",
      ".fieldlog/simulator",
    )
    .addHelpText(
      "after",
      `
Every wave travels at 6 km/s and at its true pace, however high the speed; only the pauses between the
earthquakes are shorter. A second run with the same state goes on with the same stations.

Examples:
  fieldlog-sim --key fl_…                              300 stations, an earthquake every few seconds
  fieldlog-sim --key fl_… --speed 1 --stations 1000    the week as it was
  fieldlog-sim --key fl_… --namespace test --seed 7    other stations, in another namespace`,
    )
    .action(async ({ key, state, seed, ...rest }: Arguments) => {
      const quakes = parseCatalogue(await readFile(CATALOGUE, "utf8"));
      const registrations = await Registrations.load(join(state, `${rest.namespace}-seed-${seed}.json`));
      const stations = placeStations(quakes, rest.stations, seed);
      const print = (line: string) => console.log(line);
      await simulate({ ...rest, key, quakes, stations, registrations, print }, stop);
    });
}
