import type { EventPublishing, Known, OwnWrites } from "@fieldlog/admission";
import type {
  auth,
  devices,
  liveness,
  offers,
  projections,
  properties,
  provisioning,
  sampling,
  streams,
  subscriptions,
  tunnels,
} from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { RemoteDevices } from "@fieldlog/remote";
import type { RpcClient } from "@fieldlog/rpc";
import type { Runtime } from "@fieldlog/runtime";
import type { SampleStore } from "@fieldlog/samples";
import type { PublicBase } from "../http/public-base.js";
import type { Readings } from "../uploads/readings.js";
import type { Access } from "./access.js";
import type { DeviceBound } from "./device-bound/device-bound.js";
import type { Editors } from "./editing/editors.js";
import type { Signing } from "./signed/signing.js";
import type { PictureStreams } from "./snapshots/picture-streams.js";
import type { EventStreams } from "./streams/event-streams.js";

/** What the controllers work with; a Nest provider. */
export interface NativeParts {
  readonly access: Access;
  readonly known: Known;
  readonly ownWrites: OwnWrites;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly projections: RpcClient<typeof projections.ProjectionsService>;
  readonly subscriptions: RpcClient<typeof subscriptions.SubscriptionsService>;
  readonly offers: RpcClient<typeof offers.OffersService>;
  readonly liveness: RpcClient<typeof liveness.LivenessService>;
  readonly sampling: RpcClient<typeof sampling.SamplingService>;
  readonly properties: RpcClient<typeof properties.PropertiesService>;
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly tunnels: RpcClient<typeof tunnels.TunnelsService>;
  readonly readings: Readings;
  readonly sampleStore: SampleStore;
  readonly publicBase: PublicBase;
  /** Where edge-websocket is, ws://host:port. */
  readonly webSocketBase: PublicBase;
  readonly log: Pick<EventLog, "lastSequence" | "signals">;
  readonly streams: EventStreams;
  readonly streamService: RpcClient<typeof streams.StreamsService>;
  readonly remote: Pick<RemoteDevices, "ask" | "status">;
  readonly deviceBound: DeviceBound;
  readonly pictureStreams: PictureStreams;
  readonly publishing: EventPublishing;
  readonly signing: Signing;
  readonly editors: Editors;
  readonly logger: Runtime["logger"];
}

export const NATIVE = Symbol("native parts");
