import { DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
import type { Place } from "./manifest.js";
import type { Streams } from "./streams.js";

/** Of all groups of readers. To be read before the logs, so that none is behind what these snapshots hold. */
export async function placesOf(jsm: JetStreamManager, logs: Streams["logs"]): Promise<Place[]> {
  const places: Place[] = [];
  for (const stream of logs) {
    for await (const { config, ack_floor } of jsm.consumers.list(stream)) {
      if (!config.durable_name) continue;
      const after = Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
      places.push({ stream, config, after });
    }
  }
  return places;
}

/** Makes the groups anew, each after what all its readers were done with. */
export async function putPlaces(
  jsm: JetStreamManager,
  places: readonly Place[],
  replicas: number,
): Promise<void> {
  for (const { stream, config, after } of places) {
    const { durable_name, filter_subject, ack_policy, ack_wait, max_ack_pending, inactive_threshold } =
      config;
    await jsm.consumers.add(stream, {
      ...{ durable_name, filter_subject, ack_policy, ack_wait, max_ack_pending, inactive_threshold },
      ...{ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1, num_replicas: replicas },
    } as Parameters<typeof jsm.consumers.add>[1]);
  }
}
