import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./inference-schemas.js";

const DEVICE = `${NAMESPACE}/devices/{device}`;
const INFERENCE = `${DEVICE}/inference`;
const NOT_THERE = { 409: "The device is not connected, or runs no model" };

/** What devices' models see. What comes of it is told as events: InferenceRecord, InferenceSummary, ModelUpdated and so on. */
export const inferenceOperations = {
  startInference: op({
    ...{ method: "post", path: `${INFERENCE}/start`, access: "writer", status: 202 },
    summary: "A device tells what its model sees, from now on: each record is an event InferenceRecord",
    query: NoQuery,
    refusals: NOT_THERE,
  }),
  stopInference: op({
    ...{ method: "post", path: `${INFERENCE}/stop`, access: "writer", status: 202 },
    summary: "It does not any more",
    query: NoQuery,
    refusals: NOT_THERE,
  }),
  requestRecords: op({
    ...{ method: "post", path: `${INFERENCE}/records`, access: "writer", status: 202 },
    summary: "Asks a device for records that it keeps: each comes as an event InferenceRecord",
    query: NoQuery,
    body: schema.NewRecordRequest,
    refusals: NOT_THERE,
  }),
  updateModel: op({
    ...{ method: "post", path: `${DEVICE}/model-update`, access: "writer", status: 202 },
    summary:
      "Tells a device that there is another model for it: it fetches it, then comes ModelUpdated or ModelUpdateFailed",
    query: NoQuery,
    body: schema.NewModelUpdate,
    refusals: NOT_THERE,
  }),
} as const;
