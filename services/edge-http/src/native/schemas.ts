import { limits, MOST_SHARDS } from "@fieldlog/contracts";
import { z } from "zod";

// One source for what the native API checks and what its OpenAPI document says.

const named = z.registry<{ id: string }>();
/** Gives a schema a name of its own in the OpenAPI document. */
export function component<S extends z.ZodType>(id: string, schema: S): S {
  named.add(schema, { id });
  return schema;
}

export { named as components };

export const time = z.iso.datetime({ offset: true }).describe("RFC 3339");
export const position = z
  .int()
  .nonnegative()
  .describe("Place in the namespace's log: strictly increasing, below 2^53");
/** PostgreSQL keeps no text with NUL, so nothing that is there has it. */
const withoutNul = (text: string) => !text.includes("\0");
export const id = z.string().min(1).max(limits.idLength).refine(withoutNul, "must not hold NUL");
/** A whole number in a query. */
export const count = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(least).max(most));
export const limit = count(1, limits.pageRows).default(100).describe(`1 to ${limits.pageRows}; default 100`);

export const EventsQuery = z.strictObject({
  after: count(0).optional().describe("Only events behind this position, the oldest first"),
  before: count(0)
    .optional()
    .describe("Only events before this position; without after, the newest of them, in ascending order"),
  limit,
  device: id.optional(),
  type: z.string().min(1).max(limits.textLength).optional().describe("CloudEvents type, e.g. pick"),
  from: time.optional().describe("Only events that occurred at this time or after"),
  to: time.optional().describe("Only events that occurred before this time"),
});

export const MessagesQuery = z.strictObject({
  topic: z
    .string()
    .min(1)
    .max(limits.mqttTopicBytes)
    .optional()
    .describe(
      "Only messages whose topic this filter matches, as MQTT has it: + for one level, # for the rest",
    ),
  after: z
    .union([z.literal("latest"), count(0)])
    .optional()
    .describe(
      "Only messages behind this position; latest: none of those in the log, but next, to go on from",
    ),
  limit,
});

export const DevicesQuery = z.strictObject({
  limit,
  after: id.optional().describe("Only devices behind this one: the page before's next"),
  name: z.string().min(1).max(limits.textLength).optional().describe("Only devices of this name"),
  uuid: z.string().min(1).max(limits.textLength).optional(),
  legacyId: z.string().min(1).max(limits.textLength).optional().describe("Its legacyIdentifier"),
});

export const DeadLettersQuery = z.strictObject({ limit });
export const NoQuery = z.strictObject({});

export const Problem = component(
  "Problem",
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
  }),
);

const EventData = component(
  "EventData",
  z.looseObject({
    sensor: z.string().optional(),
    sensorType: z.string().optional(),
    readings: z.array(z.number()).optional(),
    eventCount: z.int().optional(),
    timeWindow: z.int().optional().describe("Seconds"),
    location: z
      .object({ latitude: z.number(), longitude: z.number(), source: z.string().optional() })
      .optional(),
    otherReadings: z.array(z.looseObject({ sensor: z.string(), readings: z.array(z.number()) })).optional(),
    sentAt: time.optional(),
    receivedAt: time,
  }),
);

export const CloudEvent = component(
  "Event",
  z
    .looseObject({
      specversion: z.literal("1.0"),
      id: z.string().describe("Unique per source: what the sender gave it, or its position"),
      source: z.string().describe("As its sender gave it, or /namespaces/<name>/devices/<id>"),
      type: z.string(),
      time: z.string().describe("When it occurred, by the device's clock (RFC 3339)"),
      datacontenttype: z.string().optional(),
      device: z.string(),
      action: z.string().optional(),
      value: z.string().optional(),
      place: z.string().optional(),
      contributing: z
        .boolean()
        .optional()
        .describe("Of a pick: whether its device was active, by what liveness had said of it before"),
      recordedtime: z.string().describe("When it was taken (RFC 3339)"),
      position,
      data: z.union([EventData, z.unknown()]).optional().describe("As given, or what sensors measured"),
      data_base64: z.string().optional().describe("Data that is neither JSON nor text"),
    })
    .describe(
      "CloudEvents 1.0 in JSON; device, action, value, place, contributing, recordedtime, position are extensions of ours, others may follow",
    ),
);

export const Events = component(
  "Events",
  z.object({
    events: z.array(CloudEvent),
    next: position
      .nullable()
      .describe(
        "Go on from there: with before, if that alone was asked, otherwise with after; null: no more",
      ),
  }),
);

const text = z.string().max(limits.textLength);
const scalar = z.union([text, z.number(), z.boolean()]);

/** Checked by libs/events, which also takes what has no schema here: CloudEvents in structured and binary mode. */
const NewEvent = component(
  "NewEvent",
  z
    .strictObject({
      name: text.min(1),
      device: id.optional().describe("Whose event it is; it must exist. Absent: the key's own"),
      action: scalar.optional(),
      value: scalar.optional(),
      place: scalar.optional(),
      id: id.optional().describe("Who sends again, sends the same id: read models have it once"),
      time: time.optional().describe("When it happened; absent: now"),
      location: z
        .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
        .optional(),
      data: z.unknown().optional(),
      readings: z
        .union([
          z.array(z.number()),
          z.array(
            z.strictObject({
              sensor: id.optional(),
              sensorType: text.optional(),
              values: z.array(z.number()),
            }),
          ),
        ])
        .optional()
        .describe("What a sensor measured, or several did"),
    })
    .describe("The short form of an event"),
);

export const NewEvents = component(
  "NewEvents",
  z
    .union([
      NewEvent,
      z.looseObject({ specversion: z.literal("1.0"), id, source: text, type: text }),
      z.array(z.looseObject({})).max(limits.eventsPerRequest),
    ])
    .describe(
      "An event in the short form, a CloudEvent (structured mode; binary mode with ce- headers), or a list of either",
    ),
);

const Published = z.object({ position, id: z.string() });

export const PublishedEvents = component(
  "PublishedEvents",
  z.union([
    Published,
    z.object({
      results: z.array(
        z.union([
          Published.extend({ status: z.literal(201) }),
          z.object({ status: z.int(), detail: z.string(), field: z.string().optional() }),
        ]),
      ),
    }),
  ]),
);

export const Device = component(
  "Device",
  z.object({
    id: z.string(),
    dialect: z.string(),
    registeredAt: time,
    metadata: z.looseObject({}),
    sensors: z.array(z.looseObject({ id: z.string(), sensorType: z.string() })),
    lastSeenAt: time.nullable(),
    status: z.string().nullable().describe("What its last heartbeat said of it"),
    eventCount: z.int(),
    latestValues: z
      .record(z.string(), z.object({ value: z.number(), time }))
      .optional()
      .describe(
        "Of what it measures the newest value of each attribute, and when by its clock; of one device only",
      ),
  }),
);
export const Devices = component(
  "Devices",
  z.object({ devices: z.array(Device), next: z.string().nullable() }),
);

export const NewDevice = component(
  "NewDevice",
  z.strictObject({ name: z.string().describe("1 to 64 of a-z, 0-9 and single - between") }),
);
const secret = z.string().describe("Its MQTT password, this once; its user name is its id");
export const CreatedDevice = component(
  "CreatedDevice",
  z.object({ id: z.string(), name: z.string(), secret }),
);
export const MqttPassword = component("MqttPassword", z.object({ secret }));

export const Message = component(
  "Message",
  z.object({
    position,
    topic: z.string(),
    device: z.string().describe("Id of the device that sent it; key:<id> where an API key did"),
    receivedAt: time,
    qos: z.int().min(0).max(2),
    retain: z.boolean(),
    contentType: z.string().nullable(),
    userProperties: z.array(z.tuple([z.string(), z.string()])).describe("In the order of sending"),
    payload: z.string().optional().describe("Where it is UTF-8"),
    payloadBase64: z.string().optional().describe("Where it is not"),
  }),
);
export const Messages = component(
  "Messages",
  z.object({
    messages: z.array(Message),
    next: position
      .nullable()
      .describe("Go on after it, even if there are no messages here; null: no more for now"),
  }),
);

const days = z.int().min(1).max(36_500).nullable().describe("Days; null: for ever");
const retention = { measurementDays: days, logDays: days };
export const Retention = component("Retention", z.object(retention));
export const NewRetention = component("NewRetention", z.strictObject(retention));

export const openToCsn = z
  .boolean()
  .describe(
    "Whoever reaches the door may register devices by CSN, and ask which names there are and where sensors picked something up",
  );
const SHARD =
  "In whose stream its signals lie, for ever; counted from 0. FIELDLOG_SHARDS says how many there are";
export const NewNamespace = component(
  "NewNamespace",
  z.strictObject({
    name: id,
    openToCsn: openToCsn.default(false),
    shard: z
      .int()
      .min(0)
      .max(MOST_SHARDS - 1)
      .optional()
      .describe(`${SHARD}; absent: the one with the fewest namespaces`),
  }),
);
export const Namespace = component(
  "Namespace",
  z.object({ id: z.string(), name: z.string(), createdAt: time, shard: z.int().describe(SHARD) }),
);
export const Namespaces = component("Namespaces", z.object({ namespaces: z.array(Namespace) }));

export const NewApiKey = component(
  "NewApiKey",
  z.strictObject({
    kind: z.enum(["native", "edge-impulse", "cred", "hmac"]).default("native"),
    permission: z
      .enum(["read", "write", "admin"])
      .optional()
      .describe(
        "Of kind edge-impulse write, if nothing is said; not of kind hmac, which signs and opens nothing",
      ),
    name: z.string().min(1).max(limits.textLength).default("unnamed"),
    expires: time.optional(),
  }),
);
const keyFields = {
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  permission: z.string(),
  prefix: z.string().nullable().describe("Its first characters; of kind cred only"),
  namespace: z.string().nullable().describe("Id of the namespace it is good for; null: all"),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
};
export const ApiKey = component("ApiKey", z.object(keyFields));
export const CreatedApiKey = component(
  "CreatedApiKey",
  z.object({ ...keyFields, key: z.string().describe("The key itself, this once") }),
);
export const ApiKeys = component("ApiKeys", z.object({ keys: z.array(ApiKey) }));
export const HmacKey = component(
  "HmacKey",
  z.object({
    ...{ id: z.string(), name: z.string(), key: z.string().describe("What devices sign with") },
    ...{ createdAt: time, expiresAt: time.nullable() },
  }),
);
export const HmacKeys = component("HmacKeys", z.object({ keys: z.array(HmacKey) }));

const sequence = z.int().nonnegative();
export const ReadModel = component(
  "ReadModel",
  z.object({
    name: z.string(),
    version: z.int(),
    sequence: sequence.describe("Applied"),
    logSequence: sequence.describe("The log's last"),
    state: z.string().describe("live, catching-up, rebuilding or stopped"),
    rebuildSequence: sequence.nullable(),
    parkedDevices: z.int(),
    reason: z.string().nullable().describe("Why it is stopped"),
  }),
);
export const ReadModels = component("ReadModels", z.object({ readModels: z.array(ReadModel) }));
export const Accepted = component("Accepted", z.object({ accepted: z.literal(true) }));

export const DeadLetter = component(
  "DeadLetter",
  z.object({
    readModel: z.string(),
    namespace: z.string().describe("Id"),
    device: z.string(),
    position,
    reason: z.string(),
    parkedAt: time,
  }),
);
export const DeadLetters = component("DeadLetters", z.object({ deadLetters: z.array(DeadLetter) }));
export const ParkedDevice = component(
  "ParkedDevice",
  z.strictObject({
    readModel: id,
    namespace: id.describe("Id or name"),
    device: id,
  }),
);
export const Retried = component("Retried", z.object({ applied: z.int(), remaining: z.int() }));
export const Dropped = component("Dropped", z.object({ dropped: z.int() }));

export const Health = component("Health", z.looseObject({ alive: z.literal(true) }));
export const Readiness = component(
  "Readiness",
  z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) }),
);
export const NotFound = component(
  "NotFound",
  z.object({ status: z.literal("ERR"), message: z.string() }).describe("As the CSN reference has it"),
);
export const JsonDocument = z.looseObject({ openapi: z.string() });
