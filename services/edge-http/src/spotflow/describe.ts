import { z } from "zod";
import { whoMay } from "../native/who-may.js";
import type { Operation, OperatorOperation } from "./operation.js";
import { operations } from "./operations.js";

// The OpenAPI document's part on the dialect.

type Json = { [key: string]: unknown };

/** What any of them may be refused with. */
const refusals: Readonly<Record<string, string>> = {
  "400": "The path or the body is not right",
  "401": "Nothing valid was shown",
  "403": "What was shown does not allow it",
  "404": "There is no such thing",
  "409": "It cannot be done as things are",
  "413": "The body is too large",
  "423": "The workspace is disabled",
  "429": "Too many requests",
  "503": "Cannot be done just now; try again after Retry-After",
};
const PROBLEM = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

/** Path with `{parameters}`, method in small letters, and description of each. */
export function describeSpotflow(): [path: string, method: string, description: Json][] {
  return operations.map((operation) => [
    described(operation.path),
    operation.method.toLowerCase(),
    describe(operation),
  ]);
}

function described(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}").replace("*", "{path}");
}

function describe(operation: Operation | OperatorOperation): Json {
  const { name, summary, path, query = {}, by, body, statuses } = operation;
  const responses: Json = {};
  for (const [status, description] of Object.entries(statuses)) responses[status] = { description };
  for (const [status, description] of Object.entries({ ...refusals, ...operation.refusals })) {
    responses[status] = { description, content: PROBLEM };
  }
  const inPath = [...described(path).matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
    ...{ name: parameter, in: "path", required: true, schema: { type: "string" } },
  }));
  const inQuery = Object.entries(query).map(([parameter, description]) => ({
    ...{
      name: parameter,
      in: "query",
      required: parameter === "sig",
      schema: { type: "string" },
      description,
    },
  }));
  return {
    ...{
      operationId: `spotflow-${name}`,
      summary,
      tags: ["spotflow"],
      parameters: [...inPath, ...inQuery],
      responses,
    },
    ...whoMay([by], "needs" in operation ? operation.needs : undefined),
    ...(body === undefined ? {} : { requestBody: { content: contentOf(body) } }),
  };
}

function contentOf(body: z.ZodType | "bytes"): Json {
  if (body === "bytes") return { "*/*": { schema: { type: "string", format: "binary" } } };
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  return { "application/json": { schema } };
}
