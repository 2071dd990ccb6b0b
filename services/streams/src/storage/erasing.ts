import { fromBinary } from "@bufbuild/protobuf";
import { Aftermath } from "@fieldlog/aggregates";
import { aggregateOf, REGISTRY, registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { clearedBy, type EventLog } from "@fieldlog/event-log";
import { type ObjectStore, streamUploadsOf } from "@fieldlog/objects";
import type { Logger, Registry as Metrics } from "@fieldlog/runtime";
import { folderOf, packsOf } from "./names.js";

export interface ErasingParts {
  readonly log: Pick<EventLog, "group">;
  readonly keys: Pick<DataKeys, "destroy" | "ofNamespace" | "forget">;
  readonly objects: Pick<ObjectStore, "deleteAll">;
  readonly logger: Pick<Logger, "warn">;
  readonly metrics: Metrics;
}

const KINDS = ["device", "clearing"] as const;

/**
 * What is erased cannot be read any more: its key is destroyed, and the objects go. In packs it lies beside others', and
 * stays as long as they do; so may an object that was on its way meanwhile, until the namespace is cleared: bytes without a
 * key.
 */
export class Erasing extends Aftermath<(typeof KINDS)[number]> {
  constructor({ log, keys, objects, logger, metrics }: ErasingParts) {
    super({
      ...{ log, name: "streams", kinds: KINDS, logger, metrics },
      follows: async (kind, { subject, data }) => {
        const erase = async (namespace: string, device: string) => {
          await keys.destroy(namespace, device);
          await objects.deleteAll(folderOf(namespace, device));
          await objects.deleteAll(streamUploadsOf(namespace, device));
        };
        if (kind === "clearing") {
          const cleared = clearedBy({ stream: REGISTRY, subject, data });
          if (cleared?.device) return await erase(cleared.namespace, cleared.device);
          if (cleared === undefined) return;
          const known = await keys.ofNamespace(cleared.namespace);
          await objects.deleteAll(`${cleared.namespace}/~streams/`);
          await objects.deleteAll(`${cleared.namespace}/~stream-uploads/`);
          await objects.deleteAll(packsOf(cleared.namespace));
          for (const key of known) await keys.forget(key);
          return;
        }
        const { namespace, id } = aggregateOf(subject);
        const { events } = fromBinary(registry.DecisionSchema, data);
        if (events.some(({ event }) => event.case === "deviceErased")) await erase(namespace, id);
      },
    });
  }
}
