import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./streamgroup-schemas.js";

const GROUP = `${NAMESPACE}/stream-groups/{group}`;
const STREAMS = `${NAMESPACE}/streams`;
const anything = { "application/octet-stream": "Its bytes" };

/** Streams of messages: where they go, and what came. Messages and batches that are complete are events as well. */
export const streamGroupOperations = {
  listStreamGroups: op({
    ...{ method: "get", path: `${NAMESPACE}/stream-groups`, access: "reader", status: 200, waits: true },
    summary: "Stream groups and their streams, by name",
    query: NoQuery,
    answer: schema.StreamGroups,
  }),
  setStreamGroup: op({
    ...{ method: "put", path: GROUP, access: "writer", status: 204, writes: true },
    summary: "Makes a stream group, or changes it",
    query: NoQuery,
    body: schema.NewStreamGroup,
    refusals: { 409: "There are as many as may be" },
  }),
  setStream: op({
    ...{ method: "put", path: `${GROUP}/streams/{stream}`, access: "writer", status: 204, writes: true },
    summary: "Makes a stream (and its group), or changes it: what comes from then on is sorted so",
    query: NoQuery,
    body: schema.NewStream,
    refusals: { 409: "There are as many as may be" },
  }),
  removeStream: op({
    ...{ method: "delete", path: `${GROUP}/streams/{stream}`, access: "writer", status: 204, writes: true },
    summary: "Removes a stream; what it holds stays",
    query: NoQuery,
  }),
  listStreamBatches: op({
    ...{ method: "get", path: `${STREAMS}/batches`, access: "reader", status: 200, waits: true },
    summary: "Batches of messages, the newest first",
    query: schema.BatchesQuery,
    answer: schema.Batches,
  }),
  listStreamMessages: op({
    ...{ method: "get", path: `${STREAMS}/messages`, access: "reader", status: 200, waits: true },
    summary: "Messages of streams, in the order in which they came",
    query: schema.StreamMessagesQuery,
    answer: schema.StreamMessages,
  }),
  listStreamDeadLetters: op({
    ...{ method: "get", path: `${STREAMS}/dead-letters`, access: "reader", status: 200 },
    summary: "What could not be put into a stream, and why",
    query: schema.StreamDeadLettersQuery,
    answer: schema.StreamDeadLetters,
  }),
  getStreamMessageData: op({
    ...{ method: "get", path: `${STREAMS}/messages/{position}/data`, access: "reader", status: 200 },
    summary: "A message's bytes, unpacked",
    query: NoQuery,
    also: anything,
    refusals: { 409: "It is not complete yet, or not stored" },
  }),
  getStreamBatchData: op({
    ...{ method: "get", path: `${STREAMS}/batches/{number}/data`, access: "reader", status: 200 },
    summary: "A complete batch as one file: its messages one after the other, as its stream says",
    query: schema.BatchDataQuery,
    also: anything,
    refusals: { 409: "It is not complete yet, or not stored" },
  }),
} as const;
