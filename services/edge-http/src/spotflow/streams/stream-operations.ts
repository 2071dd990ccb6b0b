import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { type Operation, ofWorkspace } from "../operation.js";

/** The dialect's words for how a batch becomes a file. */
export const MODES = { None: "none", WithoutNewLines: "plain", WithNewLines: "lines" } as const;
/** And for what is stored. */
export const CONTAINERS = { Messages: "messages", Batches: "batches", DeadLetter: "dead-letter" } as const;

const keys = <T extends object>(of: T) => Object.keys(of) as [keyof T & string, ...(keyof T & string)[]];
const name = z.string().min(1).max(limits.streamNameLength);
const pattern = z.string().max(limits.streamNameLength).nullish();

export const SetGroup = z.object({
  name,
  /** There is no other storage than the workspace's. */
  useWorkspaceStorage: z.literal(true).default(true),
  defaultStream: name.nullish(),
  isDefault: z.boolean().optional(),
});
export const SetStream = z.object({
  ...{ streamGroupName: name, streamName: name },
  concatenationMode: z.enum(keys(MODES)).default("None"),
  ...{ batchIdAutofillPattern: pattern, messageIdAutofillPattern: pattern },
});

/** `[d:]hh:mm:ss`, also with a point behind the days; milliseconds. */
const duration = z
  .string()
  .regex(/^(\d{1,3}[.:])?\d{2}:\d{2}:\d{2}$/, "must be [d:]hh:mm:ss")
  .transform((text) => {
    const [seconds = 0, minutes = 0, hours = 0, days = 0] = text.split(/[.:]/).map(Number).reverse();
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  });
export const SecureUri = z.object({ container: z.enum(keys(CONTAINERS)), duration });

const SIG = "What a secure URI has: lets its holder in";
/** Below it is what is stored, by its paths. */
export const STORAGE = "/stream-storage";

/** Stream groups and streams, and what is stored of them: sections B1, B2 and B10. */
export const streamOperations = {
  listGroups: ofWorkspace({
    ...{ name: "listStreamGroups", method: "GET", path: "/stream-groups", needs: "read" },
    ...{ summary: "Stream groups", statuses: { 200: "All, by name" } },
  }),
  setGroup: ofWorkspace({
    ...{ name: "setStreamGroup", method: "PUT", path: "/stream-groups", needs: "write", body: SetGroup },
    ...{ summary: "Makes a stream group, or changes it", statuses: { 200: "As it is now" } },
  }),
  listStreams: ofWorkspace({
    ...{ name: "listStreams", method: "GET", path: "/streams", needs: "read" },
    ...{ summary: "Streams", statuses: { 200: "All, by group and name" } },
  }),
  setStream: ofWorkspace({
    ...{ name: "setStream", method: "PUT", path: "/streams", needs: "write", body: SetStream },
    ...{ summary: "Makes a stream and its group, or changes it", statuses: { 200: "As it is now" } },
  }),
  secureUri: ofWorkspace({
    ...{ name: "storageUri", method: "POST", path: "/storage/secure-uri", needs: "read", body: SecureUri },
    summary: "A URL that lets whoever has it list and read what is stored, for a while",
    statuses: { 200: "The URL" },
  }),
  listStored: {
    ...{ name: "listStored", method: "GET", path: STORAGE, by: "capability" },
    summary: "What is stored, by its paths",
    query: { sig: SIG, prefix: "Of paths", limit: "At most so many", after: "Only paths behind this one" },
    statuses: { 200: "A page of it" },
  },
  getStored: {
    ...{ name: "getStored", method: "GET", path: `${STORAGE}/*`, by: "capability" },
    summary: "One of these, by its path",
    query: { sig: SIG },
    statuses: { 200: "Its bytes" },
  },
} as const satisfies Record<string, Operation>;
