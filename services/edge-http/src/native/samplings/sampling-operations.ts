import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./sampling-schemas.js";

const OF_DEVICE = `${NAMESPACE}/devices/{device}/samples`;

/** Asking devices to sample. Every step is an event of the device as well: SamplingSent, SamplingStarted and so on. */
export const samplingOperations = {
  requestSampling: op({
    ...{ method: "post", path: OF_DEVICE, access: "writer", status: 202, writes: true },
    summary: "Asks a device to sample: at once if it is connected and free, otherwise when its turn comes",
    query: NoQuery,
    body: schema.NewSampling,
    answer: schema.Sampling,
    refusals: { 409: "As many samplings wait for the device as may" },
  }),
  listDeviceSamplings: op({
    ...{ method: "get", path: OF_DEVICE, access: "reader", status: 200, waits: true },
    summary: "What a device was asked to sample, the newest first",
    query: schema.DeviceSamplingsQuery,
    answer: schema.Samplings,
  }),
  getSampling: op({
    ...{ method: "get", path: `${OF_DEVICE}/{sampling}`, access: "reader", status: 200, waits: true },
    summary: "One of them, and how far it is",
    query: NoQuery,
    answer: schema.Sampling,
  }),
  cancelSampling: op({
    ...{ method: "delete", path: `${OF_DEVICE}/{sampling}`, access: "writer", status: 204, writes: true },
    summary: "Cancels one; what the device samples already is stored without it",
    query: NoQuery,
  }),
  listSamplings: op({
    ...{ method: "get", path: `${NAMESPACE}/samplings`, access: "reader", status: 200, waits: true },
    summary: "What all devices were asked to sample, the newest first",
    query: schema.SamplingsQuery,
    answer: schema.Samplings,
  }),
} as const;
