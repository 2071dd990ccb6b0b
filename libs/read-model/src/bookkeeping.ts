import type { Generated } from "kysely";
import type { Stage } from "./lock.js";

/** What the runners of a service keep in its schema beside the tables of its read models. */
export interface Bookkeeping {
  read_models: ReadModelRow;
  dead_letters: DeadLetterRow;
  requests: RequestRow;
}

/** One per read model and stage: up to where its tables are true. */
interface ReadModelRow {
  name: string;
  stage: Stage;
  version: number;
  /** The last sequence that is applied; changes in the same transaction as the rows. */
  sequence: number;
  stopped_reason: Generated<string | null>;
}

/** A record that waits because it, or an earlier one of its key, could not be applied. */
interface DeadLetterRow {
  read_model: string;
  stage: Stage;
  namespace: string;
  /** Empty where a whole commit could not be decoded. */
  key: string;
  position: number;
  reason: string;
  parked_at: Generated<Date>;
}

/** What an operator asked of the active replica. */
interface RequestRow {
  id: Generated<number>;
  read_model: string;
  kind: "rebuild" | "retry" | "drop";
  namespace: string;
  key: string;
  requested_at: Generated<Date>;
  finished_at: Generated<Date | null>;
  done: Generated<number>;
  remaining: Generated<number>;
  error: Generated<string | null>;
}
