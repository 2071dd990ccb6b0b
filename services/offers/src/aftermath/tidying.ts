import { setTimeout as delay } from "node:timers/promises";
import type { Objects } from "@fieldlog/objects";
import { LeasedWork } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import { SCHEMA } from "../table/tables.js";

/** Milliseconds between two times: each looks at all that is stored in NATS. */
const EVERY_MS = 6 * 60 * 60_000;
/** Milliseconds after which it is tried again where it did not succeed. */
const AGAIN_MS = 10 * 60_000;
/** Milliseconds after which what belongs to no object is not about to be one any more. */
const UNUSED_MS = 24 * 60 * 60_000;

export interface TidyingParts {
  readonly objects: Pick<Objects, "tidy">;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** postgres://… */
  readonly url: string;
}

/** Keeps the objects of all services in order, whoever put them: at its start, and then now and then. One replica at a time. */
export function tidyingOf({ objects, logger, now, url }: TidyingParts): LeasedWork {
  return new LeasedWork({ url, schema: SCHEMA, name: "objects", logger }, async (held) => {
    while (!held.aborted) {
      const pauseMs = await objects.tidy(now() - UNUSED_MS, held).then(
        () => EVERY_MS,
        (err: unknown) => {
          if (!held.aborted) logger.warn({ err }, "objects are put in order later");
          return AGAIN_MS;
        },
      );
      await delay(pauseMs, undefined, { signal: held }).catch(() => undefined);
    }
  });
}
