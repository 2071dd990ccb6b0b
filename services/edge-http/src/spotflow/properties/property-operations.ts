import { z } from "zod";
import { type Operation, ofWorkspace } from "../operation.js";

export const Properties = z.record(z.string(), z.unknown());
export const Tags = z.object({ tags: Properties });

const DESIRED = "/devices/:device/desired-properties";
const statuses = { 200: "All of them, with their $version" };

/** What is wanted of a device, what it reports, and its tags: section B2. */
export const propertyOperations = {
  getDesired: ofWorkspace({
    ...{ name: "getDesired", method: "GET", path: DESIRED, needs: "read", statuses },
    summary: "What is wanted of a device",
  }),
  replaceDesired: ofWorkspace({
    ...{ name: "replaceDesired", method: "PUT", path: DESIRED, needs: "write", statuses },
    ...{ summary: "Wants that of a device, and nothing else", body: Properties },
  }),
  patchDesired: ofWorkspace({
    ...{ name: "patchDesired", method: "PATCH", path: DESIRED, needs: "write", statuses },
    ...{ summary: "Changes what is wanted of a device; null takes away", body: Properties },
  }),
  getReported: ofWorkspace({
    ...{ name: "getReported", method: "GET", path: "/devices/:device/reported-properties", needs: "read" },
    ...{ summary: "What a device reports", statuses },
  }),
  patchTags: ofWorkspace({
    ...{ name: "patchTags", method: "PATCH", path: "/devices/:device/tags", needs: "write", statuses },
    ...{ summary: "Changes a device's tags; null takes away", body: Tags },
  }),
} as const satisfies Record<string, Operation>;
