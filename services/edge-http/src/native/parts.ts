import type { Edge, EventPublishing, OwnWrites } from "@fieldlog/admission";
import type { EventLog } from "@fieldlog/event-log";
import type { RemoteDevices } from "@fieldlog/remote";
import type { PublicBase, Runtime } from "@fieldlog/runtime";
import type { SampleStore } from "@fieldlog/samples";
import type { Readings } from "../uploads/readings.js";
import type { Access } from "./access.js";
import type { DeviceBound } from "./device-bound/device-bound.js";
import type { Editors } from "./editing/editors.js";
import type { Sealings } from "./installation/sealings.js";
import type { Signing } from "./signed/signing.js";
import type { PictureStreams } from "./snapshots/picture-streams.js";
import type { EventStreams } from "./streams/event-streams.js";

/** What the controllers work with, besides the edge's own; a Nest provider. */
export interface NativeParts extends Omit<Edge, "log" | "streams"> {
  readonly access: Access;
  readonly ownWrites: OwnWrites;
  readonly readings: Readings;
  readonly sampleStore: SampleStore;
  readonly publicBase: PublicBase;
  /** Where edge-websocket is, ws://host:port. */
  readonly webSocketBase: PublicBase;
  readonly log: Pick<EventLog, "lastSequence" | "settledEnd" | "signals">;
  readonly streams: EventStreams;
  readonly streamService: Edge["streams"];
  readonly remote: Pick<RemoteDevices, "ask" | "status">;
  readonly deviceBound: DeviceBound;
  readonly pictureStreams: PictureStreams;
  readonly publishing: EventPublishing;
  readonly signing: Signing;
  readonly editors: Editors;
  readonly sealings: Sealings;
  readonly logger: Runtime["logger"];
}

export const NATIVE = Symbol("native parts");
