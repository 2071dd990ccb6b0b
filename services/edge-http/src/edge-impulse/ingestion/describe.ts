import { limits } from "@fieldlog/contracts";
import { whoMay } from "../../native/who-may.js";
import { CATEGORIES } from "./routes.js";

// What the OpenAPI document says of uploads of training data (reference section 4).

type Json = { [key: string]: unknown };

const header = (name: string, description: string, required = false): Json => ({
  ...{ name, in: "header", required, description },
  schema: { type: "string" },
});
const headers: readonly Json[] = [
  header("x-label", "Percent-encoded or as it is; else what the file's name begins with"),
  header("x-no-label", "1: it has none"),
  header("x-disallow-duplicates", "Whatever is in it: refused if there is one of the same content"),
  header("x-add-date-id", "1: its name becomes one that no other has"),
  header("x-metadata", "A JSON object of texts"),
  header("x-bounding-boxes", "A JSON list"),
  header("x-upload-source", "What uploads"),
  header("x-device-type", "Where no document says it"),
];
const fileName = header("x-file-name", "Percent-encoded or as it is; need not be unique", true);
const binary = { schema: { type: "string", format: "binary" } };
const parts = { schema: { type: "object", additionalProperties: { type: "string", format: "binary" } } };
const text = { "text/plain": { schema: { type: "string" } } };
const fileAnswer = {
  type: "object",
  required: ["success", "fileName", "projectId"],
  properties: {
    ...{ success: { type: "boolean" }, fileName: { type: "string" }, projectId: { type: "integer" } },
    ...{ sampleId: { type: "integer" }, error: { type: "string" } },
  },
};
const answer = (properties: Json) => ({
  "application/json": {
    schema: { type: "object", properties: { success: { type: "boolean" }, ...properties } },
  },
});
const refusals: Readonly<Record<string, string>> = {
  "400": "Malformed",
  "401": "No key, or not a good one of one namespace",
  "403": "The key may not write",
  "408": `Nothing came for ${limits.uploadIdleMs / 1000} s`,
  "413": `A document is larger than ${limits.acquisitionBytes} bytes, or a file than ${limits.sampleBytes}`,
  "429": "Too many requests with this key",
  "503": "Too much at once, or a service is away: try again after Retry-After",
};

function refused(content: Json, more: Readonly<Record<string, string>> = {}): Json {
  const all = Object.entries({ ...refusals, ...more });
  return Object.fromEntries(all.map(([status, description]) => [status, { description, content }]));
}

/** Path, method and description of each. */
export function describeIngestion(): [path: string, method: string, description: Json][] {
  return CATEGORIES.flatMap((category): [string, string, Json][] => {
    const about = (kind: string) => ({
      ...{
        operationId: `ingestion-${category}-${kind}`,
        tags: ["edge-impulse"],
        ...whoMay(["boardKey"], "write"),
      },
    });
    const data = {
      ...{
        ...about("data"),
        summary: "Uploads an acquisition document, alone or with files that belong to it",
      },
      parameters: [...headers, fileName],
      requestBody: {
        required: true,
        content: { "application/json": {}, "application/cbor": binary, "multipart/form-data": parts },
      },
      responses: {
        "200": { description: "The name under which it is stored", content: text },
        ...refused(text, {
          "409": "There is one of the same content, and the request says that there may not be",
          "421": "The header x-file-name is missing",
        }),
      },
    };
    const files = {
      ...{ ...about("files"), summary: `Uploads up to ${limits.samplesPerRequest} files of any kind` },
      parameters: [...headers],
      requestBody: { required: true, content: { "multipart/form-data": parts } },
      responses: {
        "200": {
          description: "What became of each; duplicates are told here",
          content: answer({ files: { type: "array", items: fileAnswer } }),
        },
        ...refused(answer({ error: { type: "string" } })),
      },
    };
    return [
      [`/api/${category}/data`, "post", data],
      [`/api/${category}/files`, "post", files],
    ];
  });
}
