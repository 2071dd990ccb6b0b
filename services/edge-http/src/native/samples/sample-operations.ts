import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./sample-schemas.js";

const SAMPLES = `${NAMESPACE}/samples`;
const ONE = `${SAMPLES}/{number}`;

/** Files of training data. That one was stored is an event as well: SampleStored. */
export const sampleOperations = {
  listSamples: op({
    ...{ method: "get", path: SAMPLES, access: "reader", status: 200, waits: true },
    summary:
      "Samples, in the order in which they were stored; metadata.<key>=<value> asks for those that have it, as often as it is given",
    query: schema.SamplesQuery,
    answer: schema.Samples,
  }),
  countSamples: op({
    ...{ method: "get", path: `${SAMPLES}/labels`, access: "reader", status: 200, waits: true },
    summary: "How many samples there are by category and label",
    query: schema.SampleFilterQuery,
    answer: schema.SampleLabels,
  }),
  exportSamples: op({
    ...{ method: "get", path: `${SAMPLES}/export`, access: "reader", status: 200, waits: true },
    summary: "All of them as files in a ZIP, or their values in one table: a row for each number",
    query: schema.SampleExportQuery,
    also: {
      "application/zip": "Their files, by category and label, and samples.jsonl with what is known of them",
      "text/csv": "sample, category, label, device, sensor, time_ms, axis, units, value",
      "application/vnd.apache.parquet": "The same columns",
    },
  }),
  getSample: op({
    ...{ method: "get", path: ONE, access: "reader", status: 200, waits: true },
    summary: "What is known of a sample",
    query: NoQuery,
    answer: schema.Sample,
  }),
  getSampleData: op({
    ...{ method: "get", path: `${ONE}/data`, access: "reader", status: 200, statuses: [206], waits: true },
    summary: "A sample's bytes as they were uploaded, or a range of them",
    query: NoQuery,
    also: { "application/octet-stream": "Of the media type that it has" },
    refusals: { 416: "The range lies outside of it" },
  }),
  getSampleValues: op({
    ...{ method: "get", path: `${ONE}/values`, access: "reader", status: 200, waits: true },
    summary: "The values in a sample's acquisition document",
    query: schema.SampleValuesQuery,
    answer: schema.SampleValues,
    also: { "text/csv": "The time in ms, and a column for each axis" },
    refusals: { 406: "It is no acquisition document" },
  }),
  changeSample: op({
    ...{ method: "patch", path: ONE, access: "writer", status: 200, writes: true },
    summary: "Labels a sample, moves it between training and testing, or changes what else is known of it",
    query: NoQuery,
    body: schema.SampleChange,
    answer: schema.Sample,
  }),
  removeSample: op({
    ...{ method: "delete", path: ONE, access: "writer", status: 204, writes: true },
    summary: "Removes a sample: its bytes are deleted",
    query: NoQuery,
  }),
} as const;
