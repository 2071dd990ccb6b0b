import { fromBinary } from "@bufbuild/protobuf";
import { Aftermath } from "@fieldlog/aggregates";
import { aggregateOf, registry } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { clearingIn, type EventLog } from "@fieldlog/event-log";
import { type ObjectStore, streamUploadsOf } from "@fieldlog/objects";
import type { Logger, Registry as Metrics } from "@fieldlog/runtime";
import { type ClearingParts, clearStored } from "./clearing.js";
import { folderOf } from "./names.js";

export interface ErasingParts extends Omit<ClearingParts, "rows" | "sorted"> {
  /** The tables of the namespace's shard. Raises RpcError where that is not served. */
  readonly tablesOf: (namespace: string) => Pick<ClearingParts, "rows" | "sorted">;
  readonly log: ClearingParts["log"] & Pick<EventLog, "group">;
  readonly keys: ClearingParts["keys"] & Pick<DataKeys, "destroy">;
  readonly objects: ClearingParts["objects"] & Pick<ObjectStore, "deleteAll">;
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
  constructor(parts: ErasingParts) {
    const { log, keys, objects, logger, metrics } = parts;
    super({
      ...{ log, name: "streams", kinds: KINDS, logger, metrics },
      follows: async (kind, { subject, data }) => {
        const erase = async (namespace: string, device: string) => {
          await keys.destroy(namespace, device);
          await objects.deleteAll(folderOf(namespace, device));
          await objects.deleteAll(streamUploadsOf(namespace, device));
        };
        const { events, decidedAt } = fromBinary(registry.DecisionSchema, data);
        if (kind === "clearing") {
          const cleared = clearingIn(data);
          if (cleared === undefined) return;
          const { namespace, device, signalsBefore } = cleared;
          // The first decision on a device, and the second on a namespace: what came since is told apart by where the signals are cleared.
          if (device !== "" && signalsBefore === 0n) await erase(namespace, device);
          if (device !== "" || signalsBefore === 0n) return;
          const since = { signalsBefore: Number(signalsBefore), decidedAt: Number(decidedAt) };
          const { rows, sorted } = parts.tablesOf(namespace);
          await clearStored({ log, keys, objects, rows, sorted }, { namespace, ...since });
          return;
        }
        const { namespace, id } = aggregateOf(subject);
        if (events.some(({ event }) => event.case === "deviceErased")) await erase(namespace, id);
      },
    });
  }
}
