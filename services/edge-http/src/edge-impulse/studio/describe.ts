import { z } from "zod";
import { whoMay } from "../../native/who-may.js";
import { keyOperations, projectOperations } from "./operations.js";
import { BASE, DOWNLOAD } from "./routes.js";

// What the OpenAPI document says of the REST set of the boards' clients (reference section 3).

type Json = { [key: string]: unknown };
type Described = [path: string, method: string, description: Json];

const answer = (properties: Json = {}) => ({
  "application/json": {
    schema: { type: "object", properties: { success: { type: "boolean" }, ...properties } },
  },
});
const refusals: Readonly<Record<string, string>> = {
  "400": "The path or the body is not right",
  "401": "No valid API key",
  "403": "The key does not allow it",
  "404": "There is no such thing",
  "409": "It cannot be done as things are",
  "429": "Too many requests with this key",
  "503": "Cannot be done just now; try again after Retry-After",
};

/** Path with `{parameters}`, method in small letters, and description of each. */
export function describeStudio(): Described[] {
  return [
    ...keyOperations.map(({ name, path }) => described({ name, path, method: "GET", needs: "read" })),
    ...projectOperations.map((operation) => described({ ...operation, path: `/:project${operation.path}` })),
    described({ ...DOWNLOAD, method: "GET", needs: "read", binary: true }),
  ];
}

function described(operation: {
  readonly name: string;
  readonly path: string;
  readonly method: string;
  readonly needs: string;
  readonly body?: z.ZodType;
  readonly binary?: true;
}): Described {
  const { name, method, needs, body, binary } = operation;
  const path = `${BASE}${operation.path}`.replaceAll(/:(\w+)/g, "{$1}");
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
    ...{ name: parameter, in: "path", required: true, schema: { type: "string" } },
  }));
  const content = binary
    ? { "application/octet-stream": { schema: { type: "string", format: "binary" } } }
    : answer();
  const refused = answer({ error: { type: "string" } });
  return [
    path,
    method.toLowerCase(),
    {
      ...{ operationId: `studio-${name}`, tags: ["edge-impulse"], parameters },
      ...whoMay(["boardKey"], needs),
      ...(body === undefined || method === "GET" ? {} : { requestBody: bodyOf(body) }),
      responses: {
        "200": { description: "As asked", content },
        ...Object.fromEntries(
          Object.entries(refusals).map(([status, description]) => [
            ...[status, { description, content: refused }],
          ]),
        ),
      },
    },
  ];
}

function bodyOf(body: z.ZodType): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  return { content: { "application/json": { schema } } };
}
