import { Sweep } from "@fieldlog/aggregates";
import type { Logger } from "@fieldlog/runtime";
import type { Rows } from "./rows.js";
import type { Samplings } from "./samplings.js";

/** Milliseconds between two looks for what is overdue, and for what waits though its device may be free. */
const SWEEP_MS = 250;
const WAITING_MS = 5_000;

export interface SweepParts {
  readonly rows: Pick<Rows, "due" | "waiting">;
  readonly samplings: Pick<Samplings, "expire" | "goOn">;
  readonly logger: Pick<Logger, "debug">;
  readonly now: () => number;
}

/** Ends samplings whose time is over, and sends what waits for a device of whose coming nobody was told. */
export function sweepOf({ rows, samplings, logger, now }: SweepParts): Sweep {
  let lookedForWaiting = 0;
  return new Sweep({
    ...{ everyMs: SWEEP_MS, logger },
    look: async (each) => {
      await each(await rows.due(now()), (id) => samplings.expire(id));
      if (now() - lookedForWaiting < WAITING_MS) return;
      lookedForWaiting = now();
      await each(await rows.waiting(), (id) => samplings.goOn(id));
    },
  });
}
