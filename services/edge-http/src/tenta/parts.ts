import type { Known, OwnWrites } from "@fieldlog/admission";
import { type auth, type devices, type projections, REGISTRY } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { Access, User } from "./access.js";

/** What tenta's operations work with. */
export interface TentaParts {
  readonly access: Access;
  readonly known: Known;
  readonly ownWrites: OwnWrites;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly projections: RpcClient<typeof projections.ProjectionsService>;
  readonly logger: Pick<Logger, "warn">;
  readonly now: () => number;
}

/** Who asked for a decision. */
export function askedBy({ userId }: User): string {
  return `user:${userId}`;
}

/** Makes what was decided visible to what is read next through this edge. */
export function note({ ownWrites }: TentaParts, network: string, sequence: bigint): void {
  ownWrites.note(network, REGISTRY, Number(sequence));
}
