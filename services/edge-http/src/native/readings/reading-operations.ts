import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./reading-schemas.js";

const READINGS = `${NAMESPACE}/readings`;
const REQUESTS = `${NAMESPACE}/requests`;
const NOT_SHOWN = { 406: "What is in the reading cannot be shown so" };

/** Data requests, offers and readings. */
export const readingOperations = {
  createDataRequest: op({
    ...{ method: "post", path: REQUESTS, access: "writer", status: 201, writes: true },
    summary: "Asks devices for what they recorded, or will record; they hear of it with their next heartbeat",
    query: NoQuery,
    body: schema.NewDataRequest,
    answer: schema.DataRequest,
  }),
  listDataRequests: op({
    ...{ method: "get", path: REQUESTS, access: "reader", status: 200, waits: true },
    summary: "Data requests, the newest first",
    query: schema.DataRequestsQuery,
    answer: schema.DataRequests,
  }),
  getDataRequest: op({
    ...{ method: "get", path: `${REQUESTS}/{id}`, access: "reader", status: 200 },
    summary: "One data request",
    query: NoQuery,
    answer: schema.DataRequest,
  }),
  withdrawDataRequest: op({
    ...{ method: "delete", path: `${REQUESTS}/{id}`, access: "writer", status: 204, writes: true },
    summary: "Withdraws a data request: nobody is asked any more",
    query: NoQuery,
  }),
  offerData: op({
    ...{ method: "post", path: `${NAMESPACE}/devices/{device}/offers`, access: "writer", status: 200 },
    signed: true,
    summary: "Offers a device's data; each offer that is wanted gets a URL to send it to",
    query: NoQuery,
    body: schema.NewOffers,
    answer: schema.AnsweredOffers,
  }),
  listReadings: op({
    ...{ method: "get", path: READINGS, access: "reader", status: 200, waits: true },
    summary: "What devices have uploaded, the newest first",
    query: schema.ReadingsQuery,
    answer: schema.Readings,
  }),
  getReading: op({
    ...{ method: "get", path: `${READINGS}/{number}`, access: "reader", status: 200, waits: true },
    summary: "One reading: what is known of it with its samples, as CSV, or as a plot",
    query: schema.ReadingQuery,
    answer: schema.ReadingWithWaveform,
    also: { "text/csv": "Its samples, a row for each moment", "image/svg+xml": "A plot of its samples" },
    refusals: NOT_SHOWN,
  }),
  getReadingData: op({
    ...{
      method: "get",
      path: `${READINGS}/{number}/data`,
      access: "reader",
      status: 200,
      statuses: [206, 302],
    },
    summary:
      "A reading's bytes as they were uploaded, or a range of them; with 302 where the storage gives them itself",
    query: NoQuery,
    also: { "application/octet-stream": "Of the media type that its sender gave" },
    refusals: { 416: "The range lies outside of it" },
  }),
  createDownloadToken: op({
    ...{ method: "post", path: `${READINGS}/{number}/tokens`, access: "reader", status: 201 },
    summary: "A URL with which anybody can download the reading for a while",
    query: NoQuery,
    body: schema.NewDownloadToken,
    answer: schema.DownloadToken,
  }),
  removeReading: op({
    ...{ method: "delete", path: `${READINGS}/{number}`, access: "writer", status: 204, writes: true },
    summary: "Removes a reading: its bytes are deleted",
    query: NoQuery,
  }),
} as const;
