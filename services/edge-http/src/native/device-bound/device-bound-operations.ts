import { NAMESPACE, op } from "../operation.js";
import * as schema from "./device-bound-schemas.js";

const DEVICE = `${NAMESPACE}/devices/{device}`;

/** What is sent to provisioned devices. */
export const deviceBoundOperations = {
  sendMessage: op({
    ...{ method: "post", path: `${DEVICE}/messages`, access: "writer", status: 202, writes: true },
    summary: "Sends a provisioned device a message, which waits in the log until the device takes it",
    query: schema.SendQuery,
    takes: { "*/*": "The bytes that the device gets" },
    answer: schema.SentMessage,
    refusals: { 409: "The device takes none", 413: "Too large", 423: "The namespace is disabled" },
  }),
  callMethod: op({
    ...{ method: "post", path: `${DEVICE}/methods/{name}`, access: "writer", status: 200 },
    summary: "Calls a method of a provisioned device that is connected, and answers with what it answers",
    query: schema.CallQuery,
    body: schema.MethodPayload,
    answer: schema.MethodResult,
    refusals: {
      404: "There is no such device, or it is not connected",
      409: "The device takes none, or no more at once",
      413: "Too large",
      423: "The namespace is disabled",
      502: "What the device answered is not JSON",
      504: "The device did not answer in time",
    },
  }),
} as const;
