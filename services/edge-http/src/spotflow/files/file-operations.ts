import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import type { Operation } from "../operation.js";

/** In the place of a container of the original's storage: where the payload is sent to. */
export const CONTAINER = "stream-uploads";

export const Begin = z.object({ blobName: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/) });
export const Done = z.object({
  correlationId: z.string().max(limits.idLength),
  isSuccess: z.boolean().optional(),
  statusCode: z.number().optional(),
  statusDescription: z.string().max(1_000).optional(),
});

/** The upload of a payload that is too large for a message, in three steps: section B4. */
export const fileOperations = {
  begin: {
    ...{ name: "begin file", method: "POST", path: "/devices/:id/files", by: "connectionToken" },
    ...{ summary: "Where a device may put a large payload", body: Begin, statuses: { 200: "Where" } },
  },
  put: {
    ...{ name: "file", method: "PUT", path: `/${CONTAINER}/:blob`, by: "capability" },
    ...{ summary: "A large payload", body: "bytes", statuses: { 201: "Stored" } },
    query: { sig: "Lets it in" },
  },
  end: {
    ...{ name: "end file", method: "POST", path: "/devices/:id/files/notifications", by: "connectionToken" },
    ...{ summary: "A device has put it there", body: Done, statuses: { 204: "Known" } },
  },
} as const satisfies Record<string, Operation>;
