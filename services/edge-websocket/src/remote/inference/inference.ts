import type { remote } from "@fieldlog/contracts";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { InferenceStream } from "./inference-stream.js";
import { ModelUpdates } from "./model-updates.js";
import { Records, type RecordsParts } from "./records.js";
import { StoreRecord, type StoreRecordParts } from "./store-record.js";

export interface InferenceParts {
  readonly events: DeviceEvents;
  readonly samples: StoreRecordParts["samples"];
  readonly sampling: StoreRecordParts["sampling"];
  readonly logger: RecordsParts["logger"];
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** A device that runs a model (version 4, mode "inference"): whether it streams, its records, and its next model. */
export class Inference implements DeviceFeature {
  readonly keys: readonly string[];
  private readonly features: readonly [InferenceStream, Records, ModelUpdates];

  constructor(session: DeviceSession, parts: InferenceParts) {
    const stream = new InferenceStream(session, parts);
    const store = new StoreRecord(parts, session);
    const records = new Records(session, { ...parts, store, onRefused: () => stream.interrupted() });
    this.features = [stream, records, new ModelUpdates(session, parts)];
    this.keys = this.features.flatMap(({ keys }) => keys);
  }

  asked(request: remote.RemoteRequest["request"]) {
    for (const feature of this.features) {
      const reply = feature.asked(request);
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  status() {
    const [stream, , models] = this.features;
    return { ...stream.status(), ...models.status() };
  }

  received(message: Message): void {
    this.features.find(({ keys }) => keys.some((key) => Object.hasOwn(message, key)))?.received(message);
  }

  tick(now: number): void {
    const [stream, , models] = this.features;
    stream.tick(now);
    models.tick(now);
  }

  closed(): void {
    const [stream, , models] = this.features;
    stream.closed();
    models.closed();
  }
}
