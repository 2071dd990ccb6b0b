import { limits, type registry } from "@fieldlog/contracts";
import { type Encoding, encodeFrame } from "./codec.js";
import type { Hello } from "./hello.js";

/** Bytes of a text that firmware has room for: of Zephyr, and of ST, which is known by a hello without `connection`. */
const ZEPHYR_TEXT = 127;
const ST_TEXT = 63;

/** The device has no room for what it would have to be told. */
export class NoRoom extends Error {
  override readonly name = "NoRoom";
}

/**
 * Asks a device to sample. A device that speaks CBOR gets the six keys that firmware knows, in their order, and no other:
 * it refuses the whole for one. Raises NoRoom.
 */
export function sampleFrame(
  asked: registry.SamplingRequested,
  hmacKey: string,
  encoding: Encoding,
  hello: Pick<Hello, "version" | "connection" | "sensors">,
): string | Uint8Array {
  const sensor = sensorOf(asked, hello);
  const sample = {
    label: asked.label,
    length: Math.round(asked.lengthMs),
    path: `/api/${asked.category}/data`,
    hmacKey,
    interval: asked.intervalMs,
    ...(sensor === undefined ? {} : { sensor }),
    ...(encoding === "json" ? forScreens(asked) : {}),
  };
  const frame = encodeFrame(encoding, { sample });
  if (encoding === "cbor") checkRoom(sample, frame.length, hello);
  return frame;
}

/** Named only to a device that named some itself. */
function sensorOf({ sensor }: registry.SamplingRequested, { sensors }: Pick<Hello, "sensors">) {
  if (sensors.length === 0) return undefined;
  return sensor === "" ? sensors[0]?.name : sensor;
}

function forScreens({ labelColor, collectedSamples, targetSamples }: registry.SamplingRequested) {
  return {
    ...(labelColor === "" ? {} : { labelColor }),
    ...(collectedSamples === undefined ? {} : { collectedSampleCount: collectedSamples }),
    ...(targetSamples === undefined ? {} : { targetSampleCount: targetSamples }),
  };
}

function checkRoom(
  sample: object,
  bytes: number,
  { version, connection }: Pick<Hello, "version" | "connection">,
) {
  const most = version === 2 && connection === undefined ? ST_TEXT : ZEPHYR_TEXT;
  for (const [key, value] of Object.entries(sample)) {
    if (typeof value === "string" && Buffer.byteLength(value) > most) {
      throw new NoRoom(`the device takes no ${key} of more than ${most} bytes`);
    }
  }
  if (bytes > limits.remoteFirmwareBytes) {
    throw new NoRoom(`the device takes no message of more than ${limits.remoteFirmwareBytes} bytes`);
  }
}
