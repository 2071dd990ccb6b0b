import { z } from "zod";
import { whoMay } from "../native/who-may.js";
import { type Operation, type OperationName, operations, permissions } from "./operations.js";

// cred's part of the OpenAPI document.

type Json = { [key: string]: unknown };

const text = z.string().nullable();
const resource = z.object({ id: z.int(), uri: z.url() });
const time = z.string().describe("RFC 822, whole seconds, UTC");
const client = z.object({ id: z.int(), device: text, location: text, uri: z.url() });
const event = z.object({
  ...{ id: z.int(), device: text, name: text, location: text, action: text, value: text },
  ...{ time, uri: z.url() },
});
const apikey = z.object({
  ...{ id: z.int(), apikey: z.string().describe("Whole only where it is created") },
  ...{ permission: z.enum(permissions), created: time, uri: z.url() },
});
const events = z.object({ events: z.array(z.union([event, resource])) });
const place = z.object({ location: text.optional() });

const bodies: Partial<Record<OperationName, z.ZodType>> = {
  logIn: z.object({
    ...{ apikey: z.string(), device: text.optional(), location: text.optional() },
    subscribe: z.record(z.string(), place).optional().describe("By event name, at one place or anywhere"),
  }),
  createEvent: z.object({
    event: z.object({ name: text, location: text, action: text, value: text }).partial().optional(),
  }),
  createApiKey: z.object({ permission: z.enum(permissions) }),
};

const answers: Record<OperationName, z.ZodObject> = {
  logIn: z.object({
    ...{ id: z.int(), sessionKey: z.string() },
    scheduled: z.object({
      ...{ assigned: z.boolean(), slot: z.int().nullable(), period: z.int().nullable() },
    }),
    PINGTimeout: z.int().describe("s"),
  }),
  listEvents: events,
  createEvent: z.object({ event: resource }),
  showEvent: z.object({ event }),
  listClients: z.object({ clients: z.array(z.union([client, resource])) }),
  showOwnClient: z.object({ client }),
  showClient: z.object({ client }),
  listClientEvents: events,
  listSubscribedEvents: events,
  listApiKeys: z.object({ apikeys: z.array(z.union([apikey, resource])) }),
  createApiKey: z.object({ apikey }),
  showApiKey: z.object({ apikey }),
};

const summaries: Record<OperationName, string> = {
  logIn: "Logs a new client in; the session is also set as the cookie sessionKey",
  listEvents: "Events of the namespace, newest first",
  createEvent: "Posts an event",
  showEvent: "One event",
  listClients: "Clients that were heard within the ping time-out, newest first",
  showOwnClient: "Who asks",
  showClient: "One client",
  listClientEvents: "Events of one client, newest first",
  listSubscribedEvents: "Events that one client subscribed to, newest first",
  listApiKeys: "API keys of cred's kind, newest first",
  createApiKey: "Creates an API key",
  showApiKey: "One API key",
};

const refusals: Record<string, string> = {
  "400": "The query or the body is not right",
  "401": "No session, or no valid API key",
  "403": "The API key does not allow it",
  "404": "There is no such thing",
  "429": "Too many requests",
  "503": "Cannot be done just now; try again after Retry-After",
};

const integer = { type: "integer" };
const queries: Json[] = [
  {
    name: "full",
    in: "query",
    schema: { type: "string" },
    description: "Whole elements: anything but false",
  },
  { name: "before", in: "query", schema: integer, description: "Only ids below this one" },
  { name: "after", in: "query", schema: integer, description: "Only ids above this one" },
  { name: "limit", in: "query", schema: integer, description: "The newest so many; below 0: all" },
  { name: "offset", in: "query", schema: integer, description: "Leaves out so many newer ones" },
];

const jsonOf = (schema: z.ZodType, io: "input" | "output"): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return { content: { "application/json": { schema: json } } };
};

/** Every operation: path with `{parameters}`, method in small letters, and what OpenAPI says of it. */
export function describeCred(): readonly (readonly [path: string, method: string, description: Json])[] {
  const envelope = z.object({ status: z.int(), message: z.string() });
  const refused = jsonOf(envelope, "output");
  return (Object.entries(operations) as [OperationName, Operation][]).map(([name, operation]) => {
    const path = operation.path.replaceAll(/:(\w+)/g, "{$1}");
    const inPath = path.includes("{id}")
      ? [{ name: "id", in: "path", required: true, schema: { ...integer, minimum: 0 } }]
      : [];
    const body = bodies[name];
    const answer = jsonOf(z.object({ ...envelope.shape, ...answers[name].shape }), "output");
    const responses: Json = { [operation.status]: { description: operation.message, ...answer } };
    for (const [code, description] of Object.entries(refusals)) responses[code] = { description, ...refused };
    const description = {
      ...{ operationId: `cred-${name}`, summary: summaries[name], tags: ["cred"], responses },
      ...(operation.who === "anybody" ? whoMay([]) : whoMay(["credSession"], operation.who)),
      parameters: [...inPath, ...(name.startsWith("list") ? queries : [])],
      ...(body === undefined ? {} : { requestBody: jsonOf(body, "input") }),
    };
    return [path, operation.method.toLowerCase(), description] as const;
  });
}
