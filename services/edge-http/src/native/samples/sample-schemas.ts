import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, id, limit, time } from "../schemas.js";

// Samples, as the native API takes and shows them.

const category = z.enum(["training", "testing", "anomaly", "validation", "post-processing", "inference"]);
const text = z.string().max(limits.textLength);
const number = z.int().positive().describe("Strictly increasing within the installation");

export const Sample = component(
  "Sample",
  z.object({
    number,
    id: z.string(),
    category,
    label: z.string().nullable().describe("null: unlabelled"),
    fileName: z.string(),
    enabled: z.boolean(),
    device: z.string().nullable(),
    deviceType: z.string().nullable(),
    sensor: z.string().nullable(),
    sampling: z.string().nullable().describe("Id of the sampling that asked for it"),
    signature: z
      .enum(["valid", "invalid", "unsigned"])
      .nullable()
      .describe("Of an acquisition document; null: it is none"),
    intervalMs: z.number().nullable(),
    lengthMs: z.number().nullable(),
    values: z.int().describe("Rows of values"),
    axes: z.array(z.object({ name: z.string(), units: z.string() })),
    metadata: z.record(z.string(), z.string()),
    annotations: z.unknown().describe("Bounding boxes or structured labels, as they were given; null: none"),
    uploadSource: z.string().nullable(),
    attachments: z
      .array(z.object({ name: z.string(), mediaType: z.string(), bytes: z.int() }))
      .describe("The files of which the bytes consist, one behind the other; none: they are one file"),
    mediaType: z.string(),
    bytes: z.int(),
    sha256: z.string(),
    storedAt: time,
    changedAt: time,
  }),
);
export const Samples = component(
  "Samples",
  z.object({
    samples: z.array(Sample),
    next: z.int().nullable().describe("Give it as after, to go on; null: no more"),
  }),
);

export const SampleLabels = component(
  "SampleLabels",
  z.object({
    labels: z.array(
      z.object({
        category,
        label: z.string().nullable().describe("null: unlabelled"),
        samples: z.int(),
        bytes: z.int(),
        lengthMs: z.number(),
      }),
    ),
  }),
);

const METADATA = "metadata.";
/** More of them would take the database long. */
const STARS = 8;
const filters = {
  category: category.optional(),
  label: text.optional().describe("Empty: unlabelled ones"),
  device: id.optional(),
  sensor: text.optional(),
  signature: z.enum(["valid", "invalid", "unsigned"]).optional(),
  from: time.optional().describe("Only those that were stored at this time or after"),
  to: time.optional().describe("Only those that were stored before this time"),
  fileName: text
    .refine((name) => name.split("*").length <= STARS + 1, `has at most ${STARS} *`)
    .optional()
    .describe(`* stands for any characters, up to ${STARS} times`),
  enabled: z.enum(["true", "false"]).optional(),
  sampling: id.optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits")
    .optional(),
};

/** Further parameters are `metadata.<key>`, and nothing else. */
function withMetadata<S extends z.ZodRawShape>(shape: S) {
  return z
    .object(shape)
    .catchall(text)
    .superRefine((query, context) => {
      const others = Object.keys(query).filter((key) => !(key in shape));
      for (const key of others) {
        if (key.startsWith(METADATA) && key.length > METADATA.length) continue;
        context.addIssue({ code: "custom", path: [key], message: "is not known" });
      }
      if (others.length > limits.sampleMetadata) {
        context.addIssue({ code: "custom", path: [METADATA], message: "are too many" });
      }
    })
    .describe("metadata.<key>=<value> asks for those that have it");
}

/** What a query asks of samples' metadata. */
export function metadataIn(query: Readonly<Record<string, unknown>>): Record<string, string> {
  const asked = Object.entries(query).filter(([key]) => key.startsWith(METADATA));
  return Object.fromEntries(asked.map(([key, value]) => [key.slice(METADATA.length), String(value)]));
}

export const SampleFilterQuery = withMetadata(filters);
export const SamplesQuery = withMetadata({
  ...filters,
  limit,
  after: count(0).optional().describe("Only those with a greater number: the page before's next"),
});
export const SampleExportQuery = withMetadata({
  ...filters,
  format: z.enum(["zip", "csv", "parquet"]).default("zip").describe("Default: zip"),
});
export const SampleValuesQuery = z.strictObject({
  format: z.enum(["json", "csv"]).default("json").describe("Default: json"),
});

export const SampleChange = component(
  "SampleChange",
  z
    .strictObject({
      label: text.nullable().optional().describe("null: unlabelled"),
      category: category.optional(),
      fileName: text.min(1).optional(),
      enabled: z.boolean().optional(),
      metadata: z
        .record(text.min(1), text.nullable())
        .optional()
        .describe("Added to what there is; null takes a key away"),
    })
    .describe("What is to be otherwise; what is absent stays"),
);

export const SampleValues = component(
  "SampleValues",
  z.object({
    deviceName: z.string().nullable(),
    deviceType: z.string(),
    issuedAt: z.number().nullable().describe("Seconds since 1970 UTC, by the device's clock"),
    intervalMs: z.number(),
    axes: z.array(z.object({ name: z.string(), units: z.string() })),
    values: z.array(z.array(z.number().nullable())).describe("Rows, with one number for each axis"),
  }),
);
