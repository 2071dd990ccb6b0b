import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { describeCred } from "../cred/describe.js";
import { describeIngestion } from "../edge-impulse/ingestion/describe.js";
import { describeStudio } from "../edge-impulse/studio/describe.js";
import { editFiles } from "../edit-page/edit-page.js";
import { describeSpotflow } from "../spotflow/describe.js";
import { describeTenta } from "../tenta/describe.js";
import { describeUploads } from "../uploads/describe.js";
import { type Operation, operations } from "./operations.js";
import * as schema from "./schemas.js";
import { type Shows, schemes, whoMay } from "./who-may.js";

type Json = { [key: string]: unknown };

const PROBLEM = "application/problem+json";
const SERVER_SENT = "text/event-stream";
const SSE =
  "Blocks of type event: id is the position, data an Event. A block without data moves the id alone";
const PROTOBUF = "application/x-protobuf";

const { schemas } = z.toJSONSchema(schema.components, {
  uri: (id) => `#/components/schemas/${id}`,
  io: "output",
});

/** What answers have in common, besides the answer itself. */
const refusals: Record<string, string> = {
  "400": "The query or body is not right",
  "401": "No valid API key",
  "403": "The key may not do this",
  "404": "There is no such thing",
  "409": "It cannot be done as things are",
  "429": "Too many requests with this key",
  "503": "A service or the log cannot be reached; try again after Retry-After",
};

const ref = (type: z.ZodType): Json => {
  const known = schema.components.get(type);
  return known === undefined ? { type: "object" } : { $ref: `#/components/schemas/${known.id}` };
};

function describe(name: string, operation: Operation): Json {
  const path = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
    name: parameter,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const query = z.toJSONSchema(operation.query, { io: "input" }) as { properties?: Record<string, Json> };
  const parameters: Json[] = [
    ...path,
    ...Object.entries(query.properties ?? {}).map(([parameter, { description, ...type }]) => ({
      name: parameter,
      in: "query",
      schema: type,
      ...(description === undefined ? {} : { description }),
    })),
  ];
  if (operation.waits) {
    parameters.push({
      name: "fieldlog-min-position",
      in: "header",
      schema: { type: "integer" },
      description: `The answer has seen this position, or waits for it for up to ${limits.readYourWritesMs} ms`,
    });
  }
  const responses: Json = {};
  for (const status of [operation.status, ...(operation.statuses ?? [])])
    responses[status] = success(operation);
  if (operation.access !== "anybody") {
    for (const [status, description] of Object.entries({ ...refusals, ...operation.refusals })) {
      responses[status] = { description, content: { [PROBLEM]: { schema: ref(schema.Problem) } } };
    }
  }
  return {
    operationId: name,
    summary: operation.summary,
    tags: ["native"],
    ...accessOf(operation),
    parameters,
    ...requestBodyOf(operation),
    responses,
  };
}

function requestBodyOf({ body, takes = {} }: Operation): Json {
  const content: Json = body === undefined ? {} : { "application/json": { schema: ref(body) } };
  for (const [type, description] of Object.entries(takes)) {
    content[type] = { schema: { type: "string", format: "binary", description } };
  }
  return Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } };
}

function accessOf({ access, signed, edits }: Operation): Json {
  if (access === "anybody") return whoMay([]);
  const by: Shows[] = ["apiKey"];
  if (signed) by.push("signature");
  if (edits) by.push("editToken");
  return whoMay(by, access);
}

function success({ answer, also = {}, writes, streams }: Operation): Json {
  const content: Json = answer === undefined ? {} : { "application/json": { schema: ref(answer) } };
  for (const [type, description] of Object.entries(also)) {
    content[type] = { schema: { type: "string", description } };
  }
  return {
    description: "Done",
    ...(writes
      ? {
          headers: {
            "fieldlog-position": {
              description: "Place in the log of what was written",
              schema: { type: "integer" },
            },
          },
        }
      : {}),
    ...(Object.keys(content).length === 0 ? {} : { content }),
    ...(streams ? { content: { [SERVER_SENT]: { schema: { type: "string", description: SSE } } } } : {}),
  };
}

/** Of what nobody signs. */
const OPEN = "Where the namespace is open to CSN; any other is answered as if it did not exist.";

/** CSN: message in, message out, of the protobuf package `saf`. */
const csn = [
  ["client/create", "ClientCreateMessage", "ClientCreateResponse", "Registers a client and its sensors"],
  ["client/update/{id}", "ClientUpdateMessage", "ClientUpdateResponse", "Changes a client and its sensors"],
  ["client/metadata/{id}", "ClientMetadataRequest", "ClientMetadataResponse", "What is known of a client"],
  [
    "client/get-keyvalue/{id}",
    "ClientKeyValueRequest",
    "ClientKeyValueResponse",
    "Values of a client's own keys",
  ],
  [
    "client/edit-token/{id}",
    "ClientEditorTokenRequest",
    "ClientEditorTokenResponse",
    "A page on which somebody may edit the client's metadata for 30 minutes",
  ],
  ["query/name-available", "NameAvailableQuery", "NameAvailableResponse", "Whether nobody has a name"],
  [
    "query/existing-uuid",
    "ExistingUuidQuery",
    "ExistingUuidResponse",
    "Who registered with a UUID; never with its secret",
  ],
  [
    "query/client-from-legacy-id",
    "ClientFromLegacyIdQuery",
    "ClientFromLegacyIdResponse",
    "Who an older server knew by a key or number",
  ],
  ["query/recent-events", "RecentEventQuery", "RecentEventResponse", "What sensors picked up, by cells"],
  ["heartbeat/{id}", "HeartbeatMessage", "HeartbeatResponse", "A client is alive"],
  ["data/offer/{id}", "SensorReadingOfferMessage", "SensorReadingOfferResponse", "Data are offered"],
  ["event/{id}", "EventMessage", "EventResponse", "A client's sensor picked something up"],
] as const;

function describeCsn(path: string, message: string, answer: string, summary: string): Json {
  const body = (type: string, description: string): Json => ({
    description,
    content: { [PROTOBUF]: { schema: { description: `saf.${type}` } } },
  });
  const isSigned = path.includes("{id}");
  const parameters = ["ns", ...(isSigned ? ["id"] : [])].map((name) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    operationId: `csn-${path.replace("/{id}", "").replace("/", "-")}`,
    summary,
    ...(isSigned ? {} : { description: OPEN }),
    tags: ["csn"],
    ...whoMay(isSigned ? ["csnSignature"] : []),
    parameters,
    requestBody: {
      description: "Of any content type",
      content: {
        [PROTOBUF]: { schema: { description: `saf.${message}` } },
        "application/vnd.google.protobuf": { schema: { description: `saf.${message}` } },
      },
    },
    responses: {
      "200": body(answer, "Done"),
      "400": body(answer, "Refused: see status.type and status.message"),
      "404": body("GenericResponse", "There is no such path"),
      "408": body("GenericResponse", "The request did not arrive in time"),
      "413": body("GenericResponse", `Larger than ${limits.bodyBytes} bytes`),
      "429": body("GenericResponse", "Too many requests of this client"),
      "500": body("GenericResponse", "The server failed"),
      "503": body("GenericResponse", "Cannot be kept just now: send the same again after Retry-After"),
    },
  };
}

const operator = {
  "/healthz": ["Whether the process is alive", schema.Health, "application/json"],
  "/readyz": ["Whether it can take work, and what is missing", schema.Readiness, "application/json"],
} as const;

function describeOperator(path: keyof typeof operator): Json {
  const [summary, answer, type] = operator[path];
  const content = { [type]: { schema: answer === undefined ? { type: "string" } : ref(answer) } };
  const responses: Json = { "200": { description: "As asked", content } };
  if (path === "/readyz") responses["503"] = { description: "Something is missing", content };
  return { operationId: path.slice(1), summary, tags: ["operator"], ...whoMay([]), responses };
}

function describeEditPage(path: keyof typeof editFiles): Json {
  const [file, type] = editFiles[path];
  return {
    ...{ operationId: `edit-page-${file}`, tags: ["pages"], ...whoMay([]) },
    summary: "Of the page on which whoever has an edit token changes a device's metadata",
    responses: { "200": { description: "The file", content: { [type]: { schema: { type: "string" } } } } },
  };
}

function paths(): Json {
  const all: Record<string, Json> = {};
  const add = (path: string, method: string, description: Json) => {
    all[path] = { ...all[path], [method]: description };
  };
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    add(operation.path, operation.method, describe(name, operation));
  }
  for (const [path, message, answer, summary] of csn) {
    add(`/api/v1/{ns}/${path}`, "post", describeCsn(path, message, answer, summary));
  }
  for (const [path, method, description] of [
    ...describeTenta(),
    ...describeCred(),
    ...describeIngestion(),
    ...describeStudio(),
    ...describeSpotflow(),
    ...describeUploads(),
  ]) {
    add(path, method, description);
  }
  for (const path of Object.keys(operator) as (keyof typeof operator)[]) {
    add(path, "get", describeOperator(path));
  }
  for (const path of Object.keys(editFiles) as (keyof typeof editFiles)[]) {
    add(path, "get", describeEditPage(path));
  }
  return all;
}

/** The description of everything behind this door. */
export const openapi = {
  openapi: "3.1.0",
  info: {
    title: "Fieldlog",
    version: "1",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    description:
      "The native API, and the HTTP side of the device dialects. x-access tells who may call: what a caller shows, and what that needs to be good for.",
  },
  paths: paths(),
  components: {
    schemas: Object.fromEntries(
      Object.entries(schemas).map(([id, { $schema: _, $id: __, ...rest }]) => [id, rest]),
    ),
    securitySchemes: schemes,
  },
};
