import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { type LoggedEvent, readEvents } from "@fieldlog/events";
import type { Chance } from "./chance.js";

/** The fleet that events and subscriptions are about. */
export const DEVICES = 5_000;
export const ROOMS = 200;
export const NAMES = ["Light", "Door", "Motion", "Temperature", "Shake", "Leak"] as const;
export const KINDS = ["On", "Off", "Opened", "Closed", "Detected", "Changed", "Failed", "Restored"] as const;
export const ACTIONS = ["switched", "moved", "measured", "failed"] as const;
export const SENSOR_TYPES = ["accelerometer-3-axis", "thermometer", "hygrometer", "light"] as const;

const NAMESPACE = { id: "bench", name: "bench" };
const PER_COMMIT = 100;

/** Events as they come out of the log: encoded, decoded when something of them is asked for. */
export function logOf(count: number, chance: Chance): () => LoggedEvent[] {
  const commits: Uint8Array[] = [];
  for (let made = 0; made < count; made += PER_COMMIT) {
    const batch = Array.from({ length: Math.min(PER_COMMIT, count - made) }, () => anEvent(chance));
    commits.push(toBinary(signals.SignalBatchSchema, create(signals.SignalBatchSchema, { signals: batch })));
  }
  return () => commits.flatMap((data, sequence) => readEvents(sequence, data, NAMESPACE));
}

function anEvent(chance: Chance): signals.Signal {
  const temperature = Math.round(chance.between(-10, 40) * 10) / 10;
  const reading = {
    ...{ sensor: "0", sensorType: chance.of(SENSOR_TYPES) },
    values: [chance.between(-2, 2), chance.between(-2, 2), chance.between(-2, 2)],
  };
  return create(signals.SignalSchema, {
    device: `device-${chance.below(DEVICES)}`,
    receivedAt: BigInt(1_800_000_000_000 + chance.below(1_000_000)),
    location: { latitude: chance.between(32, 36), longitude: chance.between(-120, -114) },
    body: {
      case: "event",
      value: {
        name: chance.of(NAMES) + chance.of(KINDS),
        action: chance.of(ACTIONS),
        value: String(chance.below(100)),
        place: `Room ${chance.below(ROOMS)}`,
        reading,
        data: Buffer.from(JSON.stringify({ temperature, battery: chance.below(100) })),
      },
    },
  });
}
