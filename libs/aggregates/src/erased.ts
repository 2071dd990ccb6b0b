import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, REGISTRY, registry } from "@fieldlog/contracts";
import { type ClearedPart, clearedBy, type Handout } from "@fieldlog/event-log";

/**
 * What a decision on a device, or a clearing, takes away: all of a namespace, or all of a device of it; undefined:
 * nothing.
 */
export function erasedBy({ subject, data }: Pick<Handout, "subject" | "data">): ClearedPart | undefined {
  const { kind, namespace, id } = aggregateOf(subject);
  if (kind === "clearing") return clearedBy({ stream: REGISTRY, subject, data });
  if (kind !== "device") return undefined;
  const { events } = fromBinary(registry.DecisionSchema, data);
  return events.some(({ event }) => event.case === "deviceErased") ? { namespace, device: id } : undefined;
}
