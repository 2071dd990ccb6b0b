import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, limit, position, time } from "../schemas.js";

// Streams of messages, as the native API takes and shows them.

const name = z.string().min(1).max(limits.streamNameLength);
const pattern = z.string().max(limits.streamNameLength);
const concatenation = z.enum(["none", "plain", "lines"]);

export const NewStreamGroup = component(
  "NewStreamGroup",
  z.strictObject({
    defaultStream: name.optional().describe("Where messages go that name none"),
    defaultGroup: z
      .boolean()
      .default(false)
      .describe("Of the namespace: where messages go that name no group"),
  }),
);
export const NewStream = component(
  "NewStream",
  z.strictObject({
    concatenation: concatenation
      .default("none")
      .describe("How a batch is one file; lines: each message ends with one"),
    batchPattern: pattern
      .default("")
      .describe("Fills in batch ids: {dateTime:yyyy-MM-dd}, {sequenceId}; empty: none"),
    messagePattern: pattern.default("").describe("The same of message ids"),
    default: z.boolean().default(false).describe("Of its group"),
  }),
);
const Stream = z.object({
  ...{ name, concatenation, batchPattern: pattern, messagePattern: pattern, default: z.boolean() },
});
export const StreamGroups = component(
  "StreamGroups",
  z.object({
    groups: z.array(
      z.object({
        ...{ name, defaultStream: name.nullable(), defaultGroup: z.boolean(), streams: z.array(Stream) },
      }),
    ),
  }),
);

const Batch = component(
  "StreamBatch",
  z.object({
    number: position.describe("Position of its first message"),
    ...{ group: z.string(), stream: z.string(), device: z.string(), id: z.string() },
    state: z.enum(["open", "complete"]),
    ...{
      messages: z.int(),
      bytes: z.int().describe("Of what is stored, unpacked"),
      slices: z.array(z.string()),
    },
    ...{ begunAt: time, completedAt: time.nullable() },
  }),
);
export const Batches = component(
  "StreamBatches",
  z.object({
    batches: z.array(Batch),
    next: z.int().nullable().describe("Give it as before, to go on; null: no more"),
  }),
);
const Message = component(
  "StreamMessage",
  z.object({
    position: position.describe("Of its first part"),
    ...{ group: z.string(), stream: z.string(), device: z.string(), batch: z.string(), id: z.string() },
    ...{ slice: z.string().nullable(), site: z.string().nullable(), path: z.string() },
    complete: z.boolean(),
    sha256: z.string().nullable().describe("Of what is stored, unpacked; null: it is not stored yet"),
    ...{ bytes: z.int(), chunks: z.int(), receivedAt: time },
  }),
);
export const StreamMessages = component(
  "StreamMessages",
  z.object({
    messages: z.array(Message),
    next: z.int().nullable().describe("Give it as after, to go on; null: no more"),
  }),
);
const DeadLetter = z.object({
  ...{ position, device: z.string(), group: z.string().nullable(), stream: z.string().nullable() },
  reason: z
    .string()
    .describe("unknown-stream, no-batch, no-message, batch-complete, batch-full, message-full, too-long"),
  ...{ bytes: z.int(), receivedAt: time },
});
export const StreamDeadLetters = component(
  "StreamDeadLetters",
  z.object({ deadLetters: z.array(DeadLetter), next: z.int().nullable() }),
);

const which = {
  limit,
  group: name.optional(),
  stream: name.optional(),
  device: z.string().max(limits.idLength).optional(),
};
const state = z.enum(["open", "complete"]).optional();
export const BatchesQuery = z.strictObject({ ...which, state, before: count(1).optional() });
export const StreamMessagesQuery = z.strictObject({
  ...which,
  batch: name.optional(),
  after: count(0).optional(),
});
export const StreamDeadLettersQuery = z.strictObject({ limit, after: count(0).optional() });
export const BatchDataQuery = z.strictObject({ slice: name.optional().describe("Absent: what is in none") });
