import { spanOverMany } from "@fieldlog/event-log";
import type { DecodedCommit } from "./intake.js";

/** Applies a pull; where commits in it are traced, under a span that continues the first one's trace. */
export async function applyTrace<T>(
  model: string,
  pull: readonly DecodedCommit<T>[],
  apply: () => Promise<void>,
): Promise<void> {
  const traceParents = pull.flatMap(({ commit }) => commit.traceParent ?? []);
  const attributes = {
    "fieldlog.read_model": model,
    "fieldlog.sequence": pull.at(-1)?.commit.sequence ?? 0,
    "fieldlog.commits": pull.length,
  };
  await spanOverMany("apply", traceParents, attributes, apply);
}
