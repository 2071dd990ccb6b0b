import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./snapshot-schemas.js";

const DEVICE = `${NAMESPACE}/devices/{device}`;
const NOT_THERE = { 409: "The device is not connected, or has no camera" };

/** What devices that hold a connection see. That they start and stop is told as events: SnapshotStarted, SnapshotStopped, SnapshotFailed. */
export const snapshotOperations = {
  getConnection: op({
    ...{ method: "get", path: `${DEVICE}/connection`, access: "reader", status: 200 },
    summary: "Whether a device holds a connection for remote management, and what it said of itself",
    query: NoQuery,
    answer: schema.Connection,
  }),
  startSnapshots: op({
    ...{ method: "post", path: `${DEVICE}/snapshots`, access: "writer", status: 200 },
    summary: "Starts a device's camera; URLs at which anybody sees what it sees, as long as somebody looks",
    query: NoQuery,
    body: schema.NewSnapshots,
    answer: schema.Snapshots,
    refusals: NOT_THERE,
  }),
  stopSnapshots: op({
    ...{ method: "delete", path: `${DEVICE}/snapshots`, access: "writer", status: 204 },
    summary: "Stops a device's camera, whoever looks",
    query: NoQuery,
    refusals: NOT_THERE,
  }),
  streamSnapshots: op({
    ...{ method: "get", path: `${DEVICE}/snapshots/stream`, access: "writer", status: 200 },
    summary: "What a device's camera sees, as motion JPEG; a slow reader gets the newest picture",
    query: schema.StreamQuery,
    also: { "multipart/x-mixed-replace; boundary=picture": "A part of type image/jpeg for each picture" },
    refusals: NOT_THERE,
  }),
} as const;
