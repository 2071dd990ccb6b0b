import type { EventPublishing, Known, OwnWrites } from "@fieldlog/admission";
import { type auth, type devices, type projections, REGISTRY, type subscriptions } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { RpcClient } from "@fieldlog/rpc";
import type { Settings } from "@fieldlog/runtime";
import type { Access } from "./access.js";
import type { Activity } from "./activity.js";
import type { KnownClients } from "./known-clients.js";

export const DIALECT = "cred";

/** What cred's operations work with. */
export interface CredParts {
  readonly access: Access;
  readonly activity: Activity;
  readonly clients: KnownClients;
  readonly known: Pick<Known, "keys" | "namespaces">;
  readonly ownWrites: OwnWrites;
  readonly publishing: EventPublishing;
  readonly log: Pick<EventLog, "lastSequence" | "settledEnd">;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly projections: RpcClient<typeof projections.ProjectionsService>;
  readonly subscriptions: RpcClient<typeof subscriptions.SubscriptionsService>;
  readonly settings: Pick<Settings, "credPingTimeoutS" | "credScheduler" | "credSchedulerPeriodS">;
  readonly now: () => number;
}

/** Makes what was decided visible to what is read next through this edge. */
export function note({ ownWrites }: Pick<CredParts, "ownWrites">, namespace: string, sequence: bigint): void {
  ownWrites.note(namespace, REGISTRY, Number(sequence));
}
