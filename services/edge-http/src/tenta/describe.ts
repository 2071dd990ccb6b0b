import { z } from "zod";
import { whoMay } from "../native/who-may.js";
import { Credentials, MemberRole, NewNetwork, SensorName } from "./input.js";
import { type Operation, type OperationName, operations, roles } from "./operations.js";

// tenta's part of the OpenAPI document.

type Json = { [key: string]: unknown };

const seconds = z.number().describe("Seconds since 1970 UTC");
const maybeSeconds = seconds.nullable();
const revision = z.int().nullable();
const role = z.enum(roles);
const sensorId = z.object({ sensor_identifier: z.uuid() });
const secret = z.object({
  sensor_secret: z.string().describe("MQTT password of user name <sensor_identifier>"),
});
const member = z.object({ user_identifier: z.uuid(), user_name: z.string(), role });
const session = z.object({
  user_identifier: z.uuid(),
  access_token: z.string(),
  expiration_timestamp: seconds,
});
const Configuration = z.looseObject({});

const bodies: Partial<Record<OperationName, z.ZodType>> = {
  createUser: Credentials,
  logIn: Credentials,
  createNetwork: NewNetwork,
  createSensor: SensorName,
  renameSensor: SensorName,
  setMember: MemberRole,
  createConfiguration: Configuration,
};

const answers: Partial<Record<OperationName, z.ZodType>> = {
  status: z.object({
    ...{ environment: z.string(), commit_sha: z.string(), branch_name: z.string() },
    ...{ start_timestamp: seconds, mqtt_hostname: z.string(), mqtt_port: z.int() },
  }),
  createUser: session,
  logIn: session,
  createNetwork: z.object({ network_identifier: z.uuid() }),
  listNetworks: z.array(z.object({ network_identifier: z.string(), network_name: z.string(), role })),
  showNetwork: z.array(
    z.object({
      ...{ sensor_identifier: z.string(), sensor_name: z.string() },
      ...{ bucket_timestamps: z.array(seconds), measurement_counts: z.array(z.int()) },
    }),
  ),
  listMembers: z.array(member),
  setMember: member,
  createSensor: z.object({ ...sensorId.shape, ...secret.shape }),
  listSensors: z.array(
    z.object({
      ...{ sensor_identifier: z.string(), sensor_name: z.string(), last_seen_timestamp: maybeSeconds },
    }),
  ),
  renameSensor: sensorId,
  rotateSecret: secret,
  showLatest: z.object({
    last_seen_timestamp: maybeSeconds,
    values: z.record(z.string(), z.object({ value: z.number(), creation_timestamp: seconds })),
  }),
  createConfiguration: z.object({ revision: z.int() }),
  listConfigurations: z.array(
    z.object({
      ...{ value: Configuration, revision: z.int(), success: z.boolean().nullable() },
      ...{
        creation_timestamp: seconds,
        publication_timestamp: maybeSeconds,
        receipt_timestamp: maybeSeconds,
      },
      ...{ acknowledgment_timestamp: maybeSeconds, acknowledgement_timestamp: maybeSeconds },
    }),
  ),
  listMeasurements: z.union([
    z.array(z.object({ value: z.record(z.string(), z.number()), revision, creation_timestamp: seconds })),
    z
      .record(z.string(), z.array(z.object({ bucket_timestamp: seconds, average: z.number() })))
      .describe("With aggregate=true: by attribute, of each hour"),
  ]),
  listLogs: z.array(
    z.object({
      ...{ severity: z.string(), message: z.string(), subject: z.string(), details: z.string().nullable() },
      ...{ revision, creation_timestamp: seconds },
    }),
  ),
  summarizeLogs: z.array(
    z.object({
      ...{ severity: z.string(), subject: z.string(), count: z.int() },
      ...{ min_revision: revision, max_revision: revision },
      ...{ min_creation_timestamp: seconds, max_creation_timestamp: seconds },
    }),
  ),
};

const Refused = z.object({ detail: z.string(), details: z.string(), reason: z.string() });

const refusals: Record<string, string> = {
  "400": "The path, the query or the body is not right",
  "401": "Not logged in, or the password is wrong",
  "403": "The role does not allow it, or signing up is closed",
  "404": "There is no such thing",
  "409": "The name is taken, or it cannot be done as things are",
  "429": "Too many requests",
  "503": "Cannot be done just now; try again after Retry-After",
};

const queries: Record<string, Json> = {
  direction: { schema: { enum: ["next", "previous"] }, description: "Default next: from the oldest on" },
  revision: { schema: { type: "integer" }, description: "Only what is behind, or before, this revision" },
  creation_timestamp: {
    schema: { type: "number" },
    description: "Only what is behind, or before, this time",
  },
  aggregate: { schema: { type: "boolean" }, description: "Averages of each hour of the last 4 weeks" },
};

const jsonOf = (schema: z.ZodType, io: "input" | "output"): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return { content: { "application/json": { schema: json } } };
};

/** Every operation: path with `{parameters}`, method in small letters, and what OpenAPI says of it. */
export function describeTenta(): readonly (readonly [path: string, method: string, description: Json])[] {
  const refused = jsonOf(Refused, "output");
  return (Object.entries(operations) as [OperationName, Operation][]).map(([name, operation]) => {
    const { method, summary, who, query = [], status } = operation;
    const path = operation.path.replaceAll(/:(\w+)/g, "{$1}");
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
      ...{ name: parameter, in: "path", required: true, schema: { type: "string" } },
    }));
    const inQuery = query.map((key) => ({ name: key, in: "query", ...queries[key] }));
    const [body, answer] = [bodies[name], answers[name]];
    const responses: Json = {
      [status]: { description: "Done", ...(answer === undefined ? {} : jsonOf(answer, "output")) },
    };
    for (const [code, description] of Object.entries(refusals)) responses[code] = { description, ...refused };
    const description = {
      ...{ operationId: `tenta-${name}`, summary, tags: ["tenta"], responses },
      ...(who === "anybody" ? whoMay([]) : whoMay(["session"], who)),
      parameters: [...inPath, ...inQuery],
      ...(body === undefined ? {} : { requestBody: jsonOf(body, "input") }),
    };
    return [path, method.toLowerCase(), description] as const;
  });
}
