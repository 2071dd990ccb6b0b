import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";

export const RECEIVED = Date.UTC(2026, 4, 1, 12);

type Signal = Exclude<MessageInitShape<typeof signals.SignalSchema>, signals.Signal>;

/** A pick of a seismometer, received `at` ms after {@link RECEIVED}. */
export function pick(device: string, identity: string, at = 0, more: Partial<Signal> = {}): signals.Signal {
  return create(signals.SignalSchema, {
    ...{ device, identity, receivedAt: BigInt(RECEIVED + at), occurredAt: BigInt(RECEIVED + at - 250) },
    sentAt: BigInt(RECEIVED + at - 100),
    location: { latitude: 34.1, longitude: -118.1, source: "gps" },
    body: {
      case: "event",
      value: {
        name: "pick",
        reading: {
          sensor: "0",
          sensorType: "accelerometer-3-axis",
          values: [0.5, -0.25, 1e-7],
          eventCount: 3,
          windowS: 600,
        },
      },
    },
    ...more,
  });
}

export function heartbeat(
  device: string,
  identity: string,
  at: number,
  status: string,
  rates: MessageInitShape<typeof signals.SensorRateSchema>[] = [],
): signals.Signal {
  return create(signals.SignalSchema, {
    ...{ device, identity, receivedAt: BigInt(RECEIVED + at), occurredAt: BigInt(RECEIVED + at) },
    body: { case: "heartbeat", value: { status, rates } },
  });
}

export function encoded(signal: signals.Signal): Uint8Array {
  return toBinary(signals.SignalSchema, signal);
}
