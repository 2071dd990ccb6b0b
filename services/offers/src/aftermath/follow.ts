import { fromBinary } from "@bufbuild/protobuf";
import { erasedBy } from "@fieldlog/aggregates";
import { aggregateOf, registry } from "@fieldlog/contracts";
import type { Handout } from "@fieldlog/event-log";
import type { Consequences } from "./consequences.js";

/** Aggregates on whose decisions something follows. */
export const KINDS = ["upload", "device", "clearing"] as const;

/** Does what follows from a decision. Raises what is to be tried again. */
export async function follow(
  consequences: Consequences,
  kind: (typeof KINDS)[number],
  decision: Pick<Handout, "subject" | "data">,
): Promise<void> {
  if (kind !== "upload") {
    const erased = erasedBy(decision);
    if (erased?.device) await consequences.ofErasure(erased.namespace, erased.device);
    else if (erased) await consequences.ofClearing(erased.namespace);
    return;
  }
  const { namespace, id } = aggregateOf(decision.subject);
  for (const { event } of fromBinary(registry.DecisionSchema, decision.data).events) {
    await consequences.ofUpload({ namespace, id }, event);
  }
}
