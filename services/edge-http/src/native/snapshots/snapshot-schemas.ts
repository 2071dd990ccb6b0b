import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, time } from "../schemas.js";

// What devices see, as the native API gives it.

const resolution = z.enum(["low", "high"]);

export const NewSnapshots = component(
  "NewSnapshots",
  z.strictObject({
    resolution: resolution.default("low"),
    validS: z
      .int()
      .min(1)
      .max(limits.longestViewTokenMs / 1_000)
      .default(limits.viewTokenMs / 1_000)
      .describe("Seconds that the URLs are good for"),
  }),
);

export const Snapshots = component(
  "Snapshots",
  z.object({
    streamUrl: z.string().describe("Motion JPEG, for a browser's <img>, for whoever has this URL"),
    webSocketUrl: z.string().describe("The same by WebSocket: each binary message is a JPEG"),
    expires: time,
  }),
);

export const StreamQuery = z.strictObject({
  token: z.string().min(1).max(2_048).optional().describe("Of the URL, in the place of an API key"),
  resolution: resolution.default("low"),
});

export const Connection = component(
  "Connection",
  z.object({
    connected: z.boolean(),
    id: z.string().nullable().describe("Of the connection; null, as all that follows: there is none"),
    since: time.nullable(),
    protocolVersion: z.int().nullable(),
    encoding: z.enum(["json", "cbor"]).nullable(),
    mode: z.enum(["ingestion", "inference"]).nullable(),
    deviceType: z.string().nullable(),
    sensors: z
      .array(
        z.object({
          name: z.string(),
          maxSampleLengthS: z.number().nullable().describe("As the device says, which need not be true"),
          frequencies: z.array(z.number()).describe("Hz"),
        }),
      )
      .nullable(),
    snapshots: z.boolean().nullable().describe("It can stream pictures"),
    snapshotsStreaming: z.boolean().nullable(),
    inferenceStreaming: z.boolean().nullable(),
    inferenceInfo: z.unknown().describe("Of the model that it runs, as the device says"),
    availableRecords: z
      .object({
        firstIndex: z.number(),
        firstTimestamp: z.number(),
        lastIndex: z.number(),
        lastTimestamp: z.number(),
      })
      .nullable()
      .describe("Records of what its model has seen that the device kept, when it connected"),
  }),
);
