import { Sweep } from "@fieldlog/aggregates";
import type { Logger } from "@fieldlog/runtime";
import type { Requests } from "../service/requests.js";
import type { Uploads } from "../service/uploads.js";
import type { Rows } from "../table/rows.js";

/** Milliseconds between two looks for what has expired. */
const SWEEP_MS = 1_000;

export interface SweepParts {
  readonly rows: Pick<Rows, "overdueRequests" | "overdueUploads">;
  readonly requests: Pick<Requests, "expire">;
  readonly uploads: Pick<Uploads, "lapse">;
  readonly logger: Pick<Logger, "debug">;
  readonly now: () => number;
}

/** Ends requests and uploads whose time is over. */
export function sweepOf({ rows, requests, uploads, logger, now }: SweepParts): Sweep {
  return new Sweep({
    ...{ everyMs: SWEEP_MS, logger },
    look: async (each) => {
      await each(await rows.overdueRequests(now()), ({ namespace, id }) => requests.expire(namespace, id));
      await each(await rows.overdueUploads(now()), (id) => uploads.lapse(id));
    },
  });
}
