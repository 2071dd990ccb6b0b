import { limits } from "@fieldlog/contracts";
import { whoMay } from "../native/who-may.js";

// What the OpenAPI document says of upload URLs and of the download by token.

type Json = { [key: string]: unknown };

const parameter = (name: string): Json => ({
  ...{ name, in: "path", required: true },
  schema: { type: "string" },
});
const PROBLEM = { $ref: "#/components/schemas/Problem" };
const STORED: Json = {
  type: "object",
  properties: { id: { type: "integer" }, bytes: { type: "integer" }, sha256: { type: "string" } },
};
const refusals: Readonly<Record<string, string>> = {
  "400": "Malformed, or empty",
  "404": "There is no such upload URL",
  "408": `Nothing came for ${limits.uploadIdleMs / 1000} s`,
  "409": "The URL was used, or this is not how far the upload is",
  "410": "Its time is over, or its device was erased",
  "413": "Larger than it may be",
  "503": "Too many uploads at once, or a service is away: try again after Retry-After",
};

function upload(method: string, summary: string, content: Json, responses: Json, more: Json = {}): Json {
  const refused = Object.entries(refusals).map(([status, description]) => [
    status,
    { description, content: { "application/problem+json": { schema: PROBLEM } } },
  ]);
  return {
    ...{ operationId: `upload-${method}`, summary, tags: ["uploads"], ...whoMay(["capability"]) },
    parameters: [parameter("token")],
    requestBody: { required: true, content },
    responses: { ...responses, ...Object.fromEntries(refused) },
    ...more,
  };
}

const binary = { schema: { type: "string", format: "binary" } };
const anything = { "application/octet-stream": binary };
const form = {
  "multipart/form-data": {
    schema: { type: "object", properties: { payload: { type: "string", format: "binary" } } },
  },
};
const whole = {
  "200": {
    description:
      "Of what a CSN device offered: saf.SensorReadingUploadResponse (refusals too), unless JSON is accepted",
    content: { "application/x-protobuf": {} },
  },
  "201": { description: "Stored", content: { "application/json": { schema: STORED } } },
};
const tus = { externalDocs: { url: "https://tus.io/protocols/resumable-upload", description: "tus 1.0.0" } };

/** As the original tells refusals. */
const told = {
  "application/json": {
    schema: { type: "object", properties: { status: { const: "ERR" }, message: { type: "string" } } },
  },
};

/** Path, method and description of each. */
export function describeUploads(): [path: string, method: string, description: Json][] {
  const path = "/uploads/{token}";
  return [
    [path, "post", upload("post", "Sends what was offered, once", { ...form, ...anything }, whole)],
    [path, "put", upload("put", "Sends what was offered, once", anything, whole)],
    [
      path,
      "patch",
      upload(
        "patch",
        "Goes on with a resumable upload; HEAD tells where",
        { "application/offset+octet-stream": binary },
        { "204": { description: "How far it is: Upload-Offset; all of it: it is stored" } },
        tus,
      ),
    ],
    [
      path,
      "options",
      {
        ...{ operationId: "upload-options", summary: "Which version of tus is spoken", tags: ["uploads"] },
        ...{ ...whoMay([]), parameters: [parameter("token")], ...tus },
        responses: { "204": { description: "Tus-Version" } },
      },
    ],
    [
      "/json/v1/{ns}/data/reading/{id}",
      "get",
      {
        ...{ operationId: "csn-data-reading", summary: "A reading's bytes", tags: ["csn"] },
        ...whoMay(["apiKey", "capability"], "read"),
        parameters: [
          parameter("ns"),
          parameter("id"),
          { name: "token", in: "query", schema: { type: "string" }, description: "Instead of an API key" },
        ],
        responses: {
          "200": { description: "Its name is in Content-Disposition", content: anything },
          "206": { description: "A range of it", content: anything },
          "401": { description: "Neither a token nor an API key", content: told },
          "403": { description: "The key is of another namespace", content: told },
          "404": { description: "There is no such reading, or the token does not open it", content: told },
        },
      },
    ],
  ];
}
