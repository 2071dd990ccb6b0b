import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./model-schemas.js";

const MODELS = `${NAMESPACE}/models`;
const ONE = `${MODELS}/{version}`;

/** What devices run. In the place of a version, `latest` is the newest one. */
export const modelOperations = {
  storeModel: op({
    ...{ method: "post", path: MODELS, access: "writer", status: 201, writes: true },
    summary: "Stores a model: the body is the file itself. It gets the next version",
    query: schema.NewModelQuery,
    takes: { "application/octet-stream": "The model, or of any other media type, which is kept" },
    answer: schema.Model,
    refusals: { 413: "Too large" },
  }),
  listModels: op({
    ...{ method: "get", path: MODELS, access: "reader", status: 200, waits: true },
    summary: "Models of a namespace, the newest first",
    query: NoQuery,
    answer: schema.Models,
  }),
  getModel: op({
    ...{ method: "get", path: ONE, access: "reader", status: 200, waits: true },
    summary: "What is known of a model",
    query: NoQuery,
    answer: schema.Model,
  }),
  getModelData: op({
    ...{ method: "get", path: `${ONE}/data`, access: "reader", status: 200, statuses: [206], waits: true },
    summary: "A model's bytes, or a range of them",
    query: NoQuery,
    also: { "application/octet-stream": "Of the media type that it has" },
    refusals: { 416: "The range lies outside of it" },
  }),
  removeModel: op({
    ...{ method: "delete", path: ONE, access: "writer", status: 204, writes: true },
    summary: "Removes a model: its bytes are deleted",
    query: NoQuery,
  }),
} as const;
