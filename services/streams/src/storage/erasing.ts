import { fromBinary } from "@bufbuild/protobuf";
import { Aftermath } from "@fieldlog/aggregates";
import { aggregateOf, REGISTRY, registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { clearedBy, type EventLog } from "@fieldlog/event-log";
import type { ObjectStore } from "@fieldlog/objects";
import type { Logger, Registry as Metrics } from "@fieldlog/runtime";

export interface ErasingParts {
  readonly log: Pick<EventLog, "group">;
  readonly keys: Pick<DataKeys, "destroy" | "ofNamespace" | "forget">;
  readonly objects: Pick<ObjectStore, "deleteAll">;
  readonly logger: Pick<Logger, "warn">;
  readonly metrics: Metrics;
}

const KINDS = ["device", "clearing"] as const;

/**
 * What is erased cannot be read any more: its key is destroyed. Of a namespace that is cleared the objects go too; those
 * of an erased device are bytes without a key until then.
 */
export class Erasing extends Aftermath<(typeof KINDS)[number]> {
  constructor({ log, keys, objects, logger, metrics }: ErasingParts) {
    super({
      ...{ log, name: "streams", kinds: KINDS, logger, metrics },
      follows: async (kind, { subject, data }) => {
        if (kind === "clearing") {
          const cleared = clearedBy({ stream: REGISTRY, subject, data });
          if (cleared?.device) return await keys.destroy(cleared.namespace, cleared.device);
          if (cleared === undefined) return;
          const known = await keys.ofNamespace(cleared.namespace);
          await objects.deleteAll(`${cleared.namespace}/~streams/`);
          for (const key of known) await keys.forget(key);
          return;
        }
        const { namespace, id } = aggregateOf(subject);
        const { events } = fromBinary(registry.DecisionSchema, data);
        if (events.some(({ event }) => event.case === "deviceErased")) await keys.destroy(namespace, id);
      },
    });
  }
}
