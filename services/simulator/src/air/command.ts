import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { wholeNumber } from "@fieldlog/arguments";
import { Command } from "commander";
import { factor, httpUrl, mqttUrl } from "../arguments.js";
import { Normals } from "./normals.js";
import { simulateAir } from "./simulation.js";
import { AirState } from "./state.js";

interface Arguments {
  url: string;
  mqttUrl: string;
  sensors: number;
  speed: number;
  seed: number;
  state: string;
}

const NORMALS = new URL("../../data/noaa-seattle-hourly-normals.csv", import.meta.url);

/** `fieldlog-sim air`; runs until the signal. */
export function airCommand(stop: AbortSignal): Command {
  return new Command("air")
    .description(
      "A simulated air-quality network in Seattle. It sets itself up by tenta's REST API; its sensors speak MQTT, " +
        "half of them as tenta's older clients do and half as its newer ones, and send temperature, pressure and wind " +
        "of a normal year. What it shows is read back from Fieldlog.",
    )
    .option("--url <url>", "the HTTP edge", httpUrl, "http://127.0.0.1:8080")
    .option("--mqtt-url <url>", "the MQTT edge", mqttUrl, "mqtt://127.0.0.1:1883")
    .option("--sensors <number>", "how many sensors", wholeNumber(1, 2_000), 12)
    .option("--speed <factor>", "how many times as fast the hours of the year go by", factor, 600)
    .option("--seed <number>", "another seed, other noise", wholeNumber(0, 4_294_967_295), 1)
    .option("--state <folder>", "where the network keeps its user, ids and secrets", ".fieldlog/simulator")
    .addHelpText(
      "after",
      `
A sensor measures every ten minutes of the year, or as its configuration says: post {"interval_s": 3600} to
/networks/<network>/sensors/<sensor>/configurations for every hour. At most once a second, however high the speed.
A second run with the same state goes on with the same sensors.

Examples:
  fieldlog-sim air                             12 sensors, a measurement per second of each
  fieldlog-sim air --speed 1 --sensors 100     as slow as real ones`,
    )
    .action(async ({ state, seed, ...rest }: Arguments) => {
      const normals = Normals.parse(await readFile(NORMALS, "utf8"));
      const kept = await AirState.load(join(state, `air-seed-${seed}.json`));
      const print = (line: string) => console.log(line);
      await simulateAir({ ...rest, seed, normals, state: kept, print }, stop);
    });
}
