import type { IncomingMessage } from "node:http";
import type { KnownKey, KnownNamespace, OwnWrites } from "@fieldlog/admission";
import { REGISTRY, type tunnels } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import type { PublicBase } from "@fieldlog/runtime";
import type { NativeParts } from "../parts.js";
import { disabled, Problem } from "../problem.js";
import { answered, checkRegistered } from "../remote-device.js";

export interface RequestTunnelParts extends Pick<NativeParts, "known" | "remote"> {
  readonly tunnels: Pick<RpcClient<typeof tunnels.TunnelsService>, "requestTunnel">;
  readonly ownWrites: Pick<OwnWrites, "note">;
  readonly webSocketBase: PublicBase;
}

export interface RequestedTunnel {
  readonly id: string;
  /** Good for one use, for whoever has it; never logged. */
  readonly url: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: bigint;
  /** Of REGISTRY. */
  readonly sequence: bigint;
}

/** A tunnel to a connected device, for a key with permission admin. Raises Problem 403, 404, 409, 423, 503; RpcError. */
export async function requestTunnel(
  parts: RequestTunnelParts,
  { key, namespace }: { readonly key: KnownKey; readonly namespace: KnownNamespace },
  { device, port }: { readonly device: string; readonly port: number },
  request: IncomingMessage,
): Promise<RequestedTunnel> {
  if (namespace.disabled) throw disabled();
  await checkRegistered(parts, namespace.id, device);
  const status = await answered(parts.remote.status(namespace.id, device));
  if (status === undefined) throw new Problem(409, "The device is not connected.");
  const made = await parts.tunnels
    .requestTunnel({
      ...{ namespace: namespace.id, device, port, decidedBy: `key:${key.id}` },
      ...(key.expiresAt === undefined ? {} : { endsAt: BigInt(key.expiresAt) }),
    })
    .catch((error: unknown) => {
      throw refused(error);
    });
  parts.ownWrites.note(namespace.id, REGISTRY, Number(made.sequence));
  const { tunnel: id, token, expiresAt, sequence } = made;
  const url = `${parts.webSocketBase(request)}/v1/tunnels?token=${token}`;
  return { id, url, expiresAt, sequence };
}

function refused(error: unknown): unknown {
  if (!(error instanceof RpcError) || error.code !== "failed_precondition") return error;
  switch (error.details["reason"]) {
    case "remote-access":
      return new Problem(403, "The namespace's settings do not allow remote access.");
    case "namespace-disabled":
      return disabled();
    default:
      return error;
  }
}
