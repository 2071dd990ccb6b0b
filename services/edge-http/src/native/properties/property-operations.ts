import { NAMESPACE, op } from "../operation.js";
import * as schema from "./property-schemas.js";

const PROPERTIES = `${NAMESPACE}/devices/{device}/properties`;
const refusals = { 409: "They have another version than expected" };
const changing = { access: "writer", status: 200, writes: true, refusals } as const;

/** Desired and reported properties, and tags. */
export const propertyOperations = {
  getProperties: op({
    ...{ method: "get", path: PROPERTIES, access: "reader", status: 200, waits: true },
    summary: "What is wanted of a device, what it says of itself, and its tags: now, or as they were",
    query: schema.PropertiesQuery,
    answer: schema.Properties,
  }),
  replaceDesired: op({
    ...{ method: "put", path: `${PROPERTIES}/desired`, ...changing },
    summary: "Says all that is wanted of a device; it is told what differs",
    query: schema.ChangeQuery,
    body: schema.NewProperties,
    answer: schema.VersionedProperties,
  }),
  patchDesired: op({
    ...{ method: "patch", path: `${PROPERTIES}/desired`, ...changing },
    summary: "Changes what is wanted of a device, by a merge patch",
    query: schema.ChangeQuery,
    body: schema.NewProperties,
    answer: schema.VersionedProperties,
  }),
  patchReported: op({
    ...{ method: "patch", path: `${PROPERTIES}/reported`, ...changing },
    summary: "Says for a device what it says of itself, by a merge patch",
    query: schema.ReportQuery,
    body: schema.NewProperties,
    answer: schema.VersionedProperties,
  }),
  patchTags: op({
    ...{ method: "patch", path: `${PROPERTIES}/tags`, ...changing },
    summary: "Changes a device's tags, which are texts, numbers and flags, by a merge patch",
    query: schema.ChangeQuery,
    body: schema.NewProperties,
    answer: schema.VersionedProperties,
  }),
  listPropertyChanges: op({
    ...{ method: "get", path: `${PROPERTIES}/changes`, access: "reader", status: 200, waits: true },
    summary: "How a device's properties changed, the newest first",
    query: schema.ChangesQuery,
    answer: schema.PropertyChanges,
  }),
} as const;
