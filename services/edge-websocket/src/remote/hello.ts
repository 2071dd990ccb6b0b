import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import type { Message } from "./codec.js";

/** What a device says of itself when it comes, whichever of the protocol's versions it speaks. */
export interface Hello {
  readonly version: 1 | 2 | 3 | 4;
  readonly apiKey: string;
  readonly deviceId: string;
  readonly deviceType: string;
  /** "ip", "daemon"; undefined: it does not say (the firmware of ST). */
  readonly connection: string | undefined;
  readonly sensors: readonly HelloSensor[];
  readonly supportsSnapshotStreaming: boolean;
  readonly mode: "ingestion" | "inference";
  /** Of the model that it runs; JSON. */
  readonly inferenceInfo: string | undefined;
  /** Records of what its model has seen that it kept; absent: it keeps none, or does not say. */
  readonly availableRecords?: AvailableRecords;
}

/** Timestamps are the device's own. */
export interface AvailableRecords {
  readonly firstIndex: number;
  readonly firstTimestamp: number;
  readonly lastIndex: number;
  readonly lastTimestamp: number;
}

export interface HelloSensor {
  readonly name: string;
  /** Not to be trusted: some send milliseconds. */
  readonly maxSampleLengthS: number;
  /** Hz; none of a camera. */
  readonly frequencies: readonly number[];
}

/** The device is not let in. The message is for it. */
export class HelloRefused extends Error {
  override readonly name = "HelloRefused";
}

/** Characters of what is known of a model. */
const INFERENCE_INFO = 4_096;
/** What is told of a sensor of version 1, which names it only. */
const DEFAULT_SENSOR = { maxSampleLengthS: 60, frequencies: [100] };
const BUILT_IN: Readonly<Record<string, Omit<HelloSensor, "name">>> = {
  "Built-in accelerometer": { maxSampleLengthS: 300, frequencies: [62.5, 100] },
  "Built-in microphone": { maxSampleLengthS: 60, frequencies: [16_000] },
};
/** Sensors that sample nothing at a frequency. */
const PICTURES = /^(camera|video)\b/i;

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !value.includes("\u0000"), "contains U+0000");

const common = {
  apiKey: text(limits.textLength),
  deviceId: text(limits.idLength).refine((id) => id !== "." && id !== "..", "no URL can name it"),
  // Some builds send what is no text.
  deviceType: text(limits.idLength).catch(""),
  connection: text(limits.idLength).optional(),
};
const named = z.array(text(limits.idLength)).max(limits.remoteSensors);
const sensors = z
  .array(
    z.object({
      name: text(limits.idLength),
      maxSampleLengthS: z.number().nonnegative().default(DEFAULT_SENSOR.maxSampleLengthS),
      frequencies: z.array(z.number().positive()).max(limits.remoteFrequencies),
    }),
  )
  .max(limits.remoteSensors);
const snapshots = z.boolean().default(false);

/** All zero: nothing is kept. What is none is passed over, since the device can do without. */
const availableRecords = z
  .object({
    ...{ firstIndex: z.number(), firstTimestamp: z.number() },
    ...{ lastIndex: z.number(), lastTimestamp: z.number() },
  })
  .optional()
  .catch(undefined);

const versions = {
  1: z.object({ ...common, sensors: named.default([]) }),
  2: z.object({ ...common, sensors }),
  3: z.object({ ...common, sensors, supportsSnapshotStreaming: snapshots }),
  4: z.object({
    ...{ ...common, sensors, supportsSnapshotStreaming: snapshots },
    mode: z.enum(["ingestion", "inference"]).default("ingestion"),
    inferenceInfo: z.record(z.string(), z.unknown()).optional(),
    availableRecords,
  }),
};

/** What the device says under `hello`. Raises HelloRefused. */
export function readHello({ hello }: Message): Hello {
  if (typeof hello !== "object" || hello === null || Array.isArray(hello)) {
    throw new HelloRefused("hello: must be a map of keys");
  }
  const { version } = hello as { version?: unknown };
  switch (version) {
    case 1: {
      const { sensors, ...said } = checked(versions[1], hello);
      return { ...ingestion, ...whoOf(said), version, sensors: once(sensors.map(namedSensor)) };
    }
    case 2: {
      const said = checked(versions[2], hello);
      return { ...ingestion, ...whoOf(said), version, sensors: sensorsOf(said.sensors) };
    }
    case 3: {
      const { supportsSnapshotStreaming, ...said } = checked(versions[3], hello);
      const sensors = sensorsOf(said.sensors);
      return { ...ingestion, ...whoOf(said), version, sensors, supportsSnapshotStreaming };
    }
    case 4: {
      const told = checked(versions[4], hello);
      const { supportsSnapshotStreaming, mode, inferenceInfo, availableRecords: kept, ...said } = told;
      const info = mode === "inference" ? infoOf(inferenceInfo) : undefined;
      const sensors = sensorsOf(said.sensors);
      return {
        ...{ ...whoOf(said), version, sensors, supportsSnapshotStreaming, mode, inferenceInfo: info },
        ...(kept !== undefined && Object.values(kept).some(Boolean) ? { availableRecords: kept } : {}),
      };
    }
    default:
      throw new HelloRefused("hello.version: must be 1, 2, 3 or 4");
  }
}

const ingestion = { supportsSnapshotStreaming: false, mode: "ingestion", inferenceInfo: undefined } as const;

type Who = Pick<Hello, "apiKey" | "deviceId" | "deviceType" | "connection">;

function whoOf(said: { [name in keyof Who]?: Who[name] } & Omit<Who, "connection">): Who {
  const { apiKey, deviceId, deviceType, connection } = said;
  return { apiKey, deviceId, deviceType, connection };
}

function namedSensor(name: string): HelloSensor {
  return { name, ...(Object.hasOwn(BUILT_IN, name) ? (BUILT_IN[name] ?? DEFAULT_SENSOR) : DEFAULT_SENSOR) };
}

function sensorsOf(told: readonly HelloSensor[]): HelloSensor[] {
  if (told.some(({ name, frequencies }) => frequencies.length === 0 && !PICTURES.test(name))) {
    throw new HelloRefused("sensor frequencies has length of zero");
  }
  return once(told);
}

/** A sensor that is told twice is there once. */
function once(told: readonly HelloSensor[]): HelloSensor[] {
  return [...new Map(told.toReversed().map((sensor) => [sensor.name, sensor])).values()].reverse();
}

function infoOf(told: Readonly<Record<string, unknown>> | undefined): string {
  const json = JSON.stringify(told ?? {});
  if (json.length > INFERENCE_INFO) throw new HelloRefused("hello.inferenceInfo: is too long");
  return json;
}

/** Keys that it does not know are passed over. */
function checked<T>(schema: z.ZodType<T>, hello: object): T {
  const result = schema.safeParse(hello);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new HelloRefused(
    `${["hello", ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "is not right"}`,
  );
}
