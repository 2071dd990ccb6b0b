import type { IncomingMessage } from "node:http";
import type { Known, OwnWrites } from "@fieldlog/admission";
import { type auth, type devices, type projections, REGISTRY, type sampling } from "@fieldlog/contracts";
import type { RemoteDevices } from "@fieldlog/remote";
import type { RpcClient } from "@fieldlog/rpc";
import type { Caller, Projects } from "./projects.js";

export const DIALECT = "edge-impulse";

/** What the REST set works with. */
export interface StudioParts {
  readonly projects: Projects;
  readonly known: Pick<Known, "keys" | "registered">;
  readonly ownWrites: OwnWrites;
  readonly remote: Pick<RemoteDevices, "ask" | "status">;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly projections: RpcClient<typeof projections.ProjectionsService>;
  readonly sampling: RpcClient<typeof sampling.SamplingService>;
}

/** A request about one project, whose caller may do what it asks. */
export interface Call<Body = unknown> {
  readonly caller: Caller;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly raw: IncomingMessage;
}

/** Makes what was decided visible to what is read next through this edge. */
export function note(
  { ownWrites }: Pick<StudioParts, "ownWrites">,
  namespace: string,
  sequence: bigint,
): void {
  ownWrites.note(namespace, REGISTRY, Number(sequence));
}

/** What an answer must have seen of a namespace's decisions. */
export function seen({ ownWrites }: Pick<StudioParts, "ownWrites">, namespace: string): bigint {
  return BigInt(ownWrites.of(namespace, REGISTRY));
}
