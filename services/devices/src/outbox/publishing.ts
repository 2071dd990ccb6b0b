import type { Id } from "@fieldlog/aggregates";
import type { EventLog } from "@fieldlog/event-log";
import type { Unpublished } from "../decisions/configuration.js";
import type { Configurations } from "../service/configurations.js";
import { configurationSignal } from "./signal.js";

/** Revisions of one device that are appended at once. */
const AT_ONCE = 16;

export interface PublishingOptions {
  readonly log: Pick<EventLog, "signals"> & { readonly registry: Pick<EventLog["registry"], "at"> };
  readonly configurations: Pick<Configurations, "get" | "published">;
  /** Told how many revisions were published. */
  readonly onPublished?: (count: number) => void;
  /** ms since 1970 UTC. Default: the clock. */
  readonly now?: () => number;
}

/**
 * Appends to the signals what a device has not been sent yet, in the order of the revisions, and then decides that
 * it is published. Who stops in between appends it again, under the same identity.
 *
 * @param signal ends it before the next append
 * @throws what the log and Aggregates raise; what was appended until then is decided
 */
export async function publishUnpublished(
  { log, configurations, onPublished, now = Date.now }: PublishingOptions,
  { namespace, id }: Id,
  signal: AbortSignal,
): Promise<void> {
  const { unpublished } = await configurations.get(namespace, id);
  for (let next = 0; next < unpublished.length && !signal.aborted; next += AT_ONCE) {
    const revisions = unpublished.slice(next, next + AT_ONCE);
    const values = await Promise.all(revisions.map((revision) => valueAt(log.registry, revision)));
    if (signal.aborted) return;
    // The log keeps the order in which they are given to it, and takes none after one that it refused.
    const appended = await Promise.allSettled(
      revisions.map(({ revision }, index) => {
        const valueJson = values[index] as string;
        return log.signals.append(namespace, configurationSignal({ device: id, revision, valueJson }, now()));
      }),
    );
    const refused = appended.findIndex(({ status }) => status === "rejected");
    const stored = revisions.slice(0, refused < 0 ? revisions.length : refused);
    if (stored.length > 0) {
      const numbers = stored.map(({ revision }) => revision);
      await configurations.published(namespace, id, numbers);
      onPublished?.(stored.length);
    }
    const outcome = appended[refused];
    if (outcome?.status === "rejected") throw outcome.reason;
  }
}

async function valueAt(
  registry: Pick<EventLog["registry"], "at">,
  { revision, sequence }: Unpublished,
): Promise<string> {
  const decision = await registry.at(sequence);
  for (const { event } of decision?.events ?? []) {
    if (event.case === "configurationCreated" && event.value.revision === revision)
      return event.value.valueJson;
  }
  throw new Error(`the log holds no revision ${revision} at sequence ${sequence}`);
}
