import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, REGISTRY, registry } from "@fieldlog/contracts";
import { clearedBy, type Handout } from "@fieldlog/event-log";
import type { Consequences } from "./consequences.js";

/** Aggregates on whose decisions something follows. */
export const KINDS = ["sample", "model", "device", "clearing"] as const;

/** Does what follows from a decision. Raises what is to be tried again. */
export async function follow(
  consequences: Consequences,
  kind: (typeof KINDS)[number],
  { subject, data }: Pick<Handout, "subject" | "data">,
): Promise<void> {
  const { namespace, id } = aggregateOf(subject);
  if (kind === "clearing") {
    const cleared = clearedBy({ stream: REGISTRY, subject, data });
    if (cleared?.device) return await consequences.ofErasure(cleared.namespace, cleared.device);
    if (cleared) await consequences.ofClearing(cleared.namespace);
    return;
  }
  for (const { event } of fromBinary(registry.DecisionSchema, data).events) {
    if (kind === "sample") await consequences.ofSample({ namespace, id }, event);
    else if (kind === "model") await consequences.ofModel({ namespace, id }, event);
    else if (event.case === "deviceErased") await consequences.ofErasure(namespace, id);
  }
}
