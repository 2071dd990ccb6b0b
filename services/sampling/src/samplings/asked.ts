import { limits, type registry } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { type Asked, askedOf } from "./device-samplings.js";

/** The paths under which devices upload: `/api/<category>/data`. */
export const CATEGORIES: readonly string[] = [
  ...["training", "testing", "anomaly", "split", "validation", "post-processing"],
];

/** Bytes of a text that firmware has room for. */
const TEXT_BYTES = 127;
const COUNT = 1_000_000_000;

/** What is asked, if it is in order. Raises InvalidField. */
export function checkAsked(given: registry.SamplingRequested | undefined): Asked {
  if (given === undefined) throw new InvalidField("asked", "is missing");
  const asked = askedOf(given);
  const { sensor, label, lengthMs, intervalMs, category, labelColor } = asked;
  const least = (field: string, holds: boolean, reason: string) => {
    if (!holds) throw new InvalidField(field, reason);
  };
  least(
    "label",
    label !== "" && fits(label),
    `has 1 to ${TEXT_BYTES} bytes, none of them a control character`,
  );
  least("sensor", fits(sensor), `has at most ${TEXT_BYTES} bytes, none of them a control character`);
  least(
    "length_ms",
    lengthMs >= 1 && lengthMs <= limits.samplingMs,
    `is a whole number from 1 to ${limits.samplingMs}`,
  );
  // Written so that NaN fails as well.
  least(
    "interval_ms",
    intervalMs > 0 && intervalMs <= limits.samplingMs,
    "is more than 0, and an hour at most",
  );
  least("category", CATEGORIES.includes(category), `is one of ${CATEGORIES.join(", ")}`);
  least("label_color", fits(labelColor), `has at most ${TEXT_BYTES} bytes`);
  for (const count of [asked.collectedSamples ?? 0, asked.targetSamples ?? 0]) {
    least("target_samples", count <= COUNT, `and collected_samples are at most ${COUNT}`);
  }
  return asked;
}

/**
 * The sensor that is asked for: a device that has several must be told which, one that has one needs not. Raises
 * InvalidField: the device has no such sensor.
 *
 * @param told the sensors that the device tells; none: it tells none, and whatever is asked for is passed on
 */
export function sensorOf(asked: Asked, told: readonly string[]): Asked {
  if (told.length === 0 || told.includes(asked.sensor)) return asked;
  const [only, ...others] = told;
  if (asked.sensor === "" && only !== undefined && others.length === 0) return { ...asked, sensor: only };
  const reason = asked.sensor === "" ? "is missing, and the device has several" : "is none of the device's";
  throw new InvalidField("sensor", `${reason}: ${told.join(", ")}`);
}

function fits(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return Buffer.byteLength(text) <= TEXT_BYTES && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text);
}
