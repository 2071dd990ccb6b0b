import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, id, limit, time } from "../schemas.js";

// Data requests, offers and readings, as the native API takes and shows them.

const text = z.string().max(limits.textLength);
const number = z.int().positive().describe("Strictly increasing within the installation");
const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);
const point = z.strictObject({ latitude, longitude });

export const NewDataRequest = component(
  "NewDataRequest",
  z
    .strictObject({
      device: id.optional().describe("Absent: those within a distance of points"),
      sensor: id.optional().describe("Absent: every sensor"),
      current: z.literal(true).optional().describe("Data from now on, instead of a stretch of time"),
      start: time.optional(),
      end: time.optional(),
      points: z.array(point).min(1).max(limits.requestPoints).optional(),
      withinM: z.number().positive().optional().describe("Metres from any of the points"),
      expires: time.optional().describe("When nobody needs to answer any more; absent: in a day"),
      note: text.optional(),
    })
    .describe("What is asked of a device, of one of its sensors, or of all devices near some points"),
);

export const DataRequest = component(
  "DataRequest",
  z.object({
    id: z.string(),
    number,
    state: z.enum(["open", "fulfilled", "expired", "withdrawn"]),
    device: z.string().nullable(),
    sensor: z.string().nullable(),
    current: z.boolean(),
    start: time.nullable(),
    end: time.nullable(),
    points: z.array(z.object({ latitude: z.number(), longitude: z.number() })),
    withinM: z.number().nullable(),
    expires: time,
    note: z.string(),
    createdAt: time,
    endedAt: time.nullable(),
    uploads: z.int().describe("Stored for it so far"),
  }),
);
const next = z.int().nullable().describe("Give it as before, to go on; null: no more");
export const DataRequests = component("DataRequests", z.object({ requests: z.array(DataRequest), next }));

export const DataRequestsQuery = z.strictObject({
  limit,
  before: count(1).optional().describe("Only those with a smaller number: the page before's next"),
  device: id.optional(),
  state: z.enum(["open", "fulfilled", "expired", "withdrawn"]).optional(),
});

const NewOffer = z.strictObject({
  sensor: id,
  sensorType: text.optional(),
  current: z.literal(true).optional().describe("Data of now, which nobody asked for by a number"),
  request: number.optional().describe("Number of the data request that it answers"),
  start: time.optional(),
  end: time.optional(),
  location: point.optional(),
  format: text.min(1).describe("data-record, or a media type"),
  bytes: z.int().positive().optional(),
  fileName: z.string().min(1).max(200).optional(),
});
export const NewOffers = component(
  "NewOffers",
  z.strictObject({
    offers: z.array(NewOffer).min(1).max(limits.offersPerMessage),
    id: id.optional().describe("Who sends again, sends the same id: the answer is the same"),
  }),
);
export const AnsweredOffers = component(
  "AnsweredOffers",
  z.object({
    answers: z
      .array(
        z
          .object({
            url: z.string().describe("Where to send it: once, without a key; resumable by tus 1.0"),
            reading: number.describe("Of the reading that it will be"),
            expires: time,
            maxBytes: z.int(),
          })
          .nullable(),
      )
      .describe("One for each offer, in order; null: not wanted"),
  }),
);

const Reading = z.object({
  number,
  state: z.enum(["offered", "started", "stored", "failed", "removed"]),
  device: z.string(),
  sensor: z.string(),
  sensorType: z.string(),
  current: z.boolean(),
  request: number.nullable().describe("Number of the data request that it answers"),
  start: time.nullable(),
  end: time.nullable(),
  location: z.object({ latitude: z.number(), longitude: z.number() }).nullable(),
  format: z.string(),
  fileName: z.string(),
  offeredAt: time,
  storedAt: time.nullable(),
  bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  mediaType: z.string().nullable(),
});
export const Readings = component("Readings", z.object({ readings: z.array(Reading), next }));

const sample = z.number().nullable();
export const ReadingWithWaveform = component(
  "Reading",
  Reading.extend({
    waveform: z
      .object({
        spacingMs: z.number(),
        start: time.nullable(),
        end: time.nullable(),
        locations: z.array(z.object({ offset: z.number(), latitude: sample, longitude: sample })),
        streams: z.array(
          z.object({
            name: z.string(),
            unit: z.string(),
            count: z.int(),
            min: sample,
            max: sample,
            mean: sample,
            samples: z.array(sample).optional(),
          }),
        ),
      })
      .nullable()
      .describe("What is in it; null: that is not known"),
  }),
);

export const ReadingsQuery = z.strictObject({
  limit,
  before: count(1).optional().describe("Only those with a smaller number: the page before's next"),
  device: id.optional(),
  sensor: id.optional(),
  state: z
    .enum(["offered", "started", "stored", "failed", "removed"])
    .default("stored")
    .describe("Default: stored"),
  from: time.optional().describe("Only those whose stretch ends after this"),
  to: time.optional().describe("Only those whose stretch begins before this"),
});

export const ReadingQuery = z.strictObject({
  format: z
    .enum(["json", "csv", "svg"])
    .optional()
    .describe("Absent: as Accept says, else json. csv and svg are of what can be decoded"),
  samples: z.enum(["true", "false"]).default("true").describe("Whether JSON has the samples; default true"),
});

export const NewDownloadToken = component(
  "NewDownloadToken",
  z.strictObject({ validS: z.int().min(1).max(2_592_000).default(3_600).describe("Seconds") }),
);
export const DownloadToken = component(
  "DownloadToken",
  z.object({
    token: z.string(),
    url: z.string().describe("The reading's bytes, for whoever has this URL"),
    expires: time,
  }),
);
