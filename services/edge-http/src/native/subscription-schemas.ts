import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { CloudEvent, component, count, id, limit, position, time } from "./schemas.js";

// Subscriptions, as the native API takes and shows them. libs/filters checks filters to the end.

const texts = z.array(z.string()).optional();
const value = z.union([z.string(), z.number()]);

export const Filter = component(
  "Filter",
  z
    .looseObject({
      names: texts.describe("Of these names; * stands for anything"),
      devices: texts,
      places: texts,
      actions: texts,
      values: z.array(value).optional(),
      sensorTypes: texts,
      conditions: z
        .array(
          z.looseObject({
            field: z.string().describe("value, magnitude, readings.<n> or data.<path>"),
            op: z.enum(["=", "!=", "<", "<=", ">", ">="]),
            value,
          }),
        )
        .optional()
        .describe("All of which must hold"),
      area: z
        .union([
          z.looseObject({
            box: z.looseObject({ south: z.number(), west: z.number(), north: z.number(), east: z.number() }),
          }),
          z.looseObject({
            circle: z.looseObject({ latitude: z.number(), longitude: z.number(), radiusM: z.number() }),
          }),
        ])
        .optional(),
    })
    .describe("Which events: every part that is given must hold, of a list one of them"),
);

const Delivery = z
  .union([
    z.enum(["stream", "poll"]),
    z.strictObject({
      webhook: z.strictObject({
        url: z
          .string()
          .min(1)
          .max(limits.textLength)
          .describe("http or https; private addresses are refused"),
        batch: z
          .int()
          .min(1)
          .max(limits.webhookBatch)
          .optional()
          .describe("Events in one request at most, as a list; absent: one, as an object"),
      }),
    }),
  ])
  .describe(
    "stream (WebSocket, SSE) and poll may be read by any of these; a webhook gets its requests alone",
  );

export const NewSubscription = component(
  "NewSubscription",
  z.strictObject({
    name: z.string().max(limits.textLength).default(""),
    filter: Filter.optional(),
    filters: z
      .array(Filter)
      .min(1)
      .max(limits.filtersPerSubscription)
      .optional()
      .describe("Instead of filter: any of them may hold"),
    delivery: Delivery,
    from: z
      .union([z.enum(["now", "beginning"]), position])
      .default("now")
      .describe("Where it begins: now, the beginning of the log, or behind a position"),
  }),
);

const Status = z.object({
  connected: z.boolean().describe("Somebody reads it, or was heard a few seconds ago"),
  position: position.nullable().describe("Everything up to here was delivered, or is not for it"),
  lag: z.object({
    events: z.int().describe("Of the namespace, behind position; no more than 10,000 are counted"),
    seconds: z.number().describe("Age of the first of these"),
  }),
  lastDeliveryAt: time.nullable(),
  delivered: z.int(),
  failures: z.int().describe("Attempts in a row"),
  failingSince: time.nullable(),
  nextAttemptAt: time.nullable(),
  lastError: z.string().nullable(),
});

const fields = {
  id: z.string(),
  name: z.string(),
  owner: z.string().describe("key:<id> or device:<id>"),
  filters: z.array(Filter),
  delivery: Delivery,
  after: position.describe("Where it began"),
  createdAt: time,
  disabled: z.object({ reason: z.string() }).nullable(),
};
export const Subscription = component("Subscription", z.object({ ...fields, status: Status }));
export const CreatedSubscription = component(
  "CreatedSubscription",
  z.object({
    ...fields,
    secret: z.string().optional().describe("Signs a webhook's requests (Standard Webhooks), this once"),
  }),
);
export const Subscriptions = component(
  "Subscriptions",
  z.object({
    subscriptions: z.array(Subscription),
    next: z.string().nullable().describe("Go on after this id; null: no more"),
  }),
);

export const NewSecret = component(
  "NewSecret",
  z.strictObject({
    keepPreviousHours: z
      .number()
      .min(0)
      .max(30 * 24)
      .default(24)
      .describe("For how long the secret before signs as well"),
  }),
);
export const SubscriptionSecret = component("SubscriptionSecret", z.object({ secret: z.string() }));

export const SubscriptionsQuery = z.strictObject({
  limit,
  after: id.optional().describe("Only subscriptions behind this one: the page before's next"),
});

const several = z
  .union([z.string().transform((one) => [one]), z.array(z.string())])
  .pipe(z.array(z.string().min(1).max(limits.textLength)).max(limits.valuesPerFilter))
  .optional();

export const EventStreamQuery = z.strictObject({
  filter: z
    .union([z.string().transform((one) => [one]), z.array(z.string())])
    .pipe(z.array(z.string()).max(limits.filtersPerSubscription))
    .optional()
    .describe("A filter in JSON; given several times: any of them may hold"),
  names: several.describe(
    "Only events of this name, in which * stands for anything; given several times: of any",
  ),
  devices: several.describe("Only events of this device, or of any of these"),
  places: several.describe("Only events at this place, or at any of these"),
  actions: several.describe("Only events with this action, or any of these"),
  sensorTypes: several.describe("Only events from a sensor of this type, or of any of these"),
  from: z
    .union([z.enum(["now", "beginning"]), count(0)])
    .optional()
    .describe("Where to begin: now (the default), beginning, or the position after which"),
  subscription: id
    .optional()
    .describe(
      "Instead of all these: the events of this subscription, from where its owner has received them",
    ),
});

export const PollQuery = z.strictObject({
  after: count(0)
    .optional()
    .describe("Everything up to this position was received: the next of the answer before"),
  limit,
  wait: count(0, limits.pollWaitMs)
    .default(0)
    .describe(`Milliseconds to wait for the first event, 0 to ${limits.pollWaitMs}; default 0`),
});

export const PolledEvents = component(
  "PolledEvents",
  z.object({
    events: z.array(CloudEvent),
    next: position.describe("How far the log was looked through: give it as after, to acknowledge and go on"),
  }),
);
