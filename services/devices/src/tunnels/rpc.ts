import { isId, type tunnels } from "@fieldlog/contracts";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import { UnknownDevice } from "../decisions/refusals.js";
import { TooManyTunnels } from "./tunnel.js";
import { TunnelRefused, type Tunnels } from "./tunnels.js";

/** Characters of a reason that are kept. */
const REASON = 200;

/** fieldlog.devices.v1.TunnelsService: requests to calls, results to answers. */
export function tunnelsService(own: Tunnels): ServiceImpl<typeof tunnels.TunnelsService> {
  return {
    requestTunnel: async ({ namespace, device, port, decidedBy, endsAt }) => {
      const until = endsAt === undefined ? undefined : Number(endsAt);
      const requested = await own.request(idOf(namespace, device), port, decidedBy || "system", until);
      const { tunnel, token, expiresAt, sequence } = requested;
      return { tunnel, token, expiresAt: BigInt(expiresAt), sequence: BigInt(sequence) };
    },
    openTunnel: async ({ token }) => {
      const { id: tunnel, device, port, by: openedBy, endsAt } = await own.open(token);
      const { namespace } = device;
      return { namespace, device: device.id, tunnel, port, openedBy, endsAt: BigInt(endsAt) };
    },
    checkTunnel: async ({ namespace, device }) => {
      await own.check(idOf(namespace, device));
      return {};
    },
    closeTunnel: async ({ namespace, device, tunnel, reason, bytesToDevice, bytesFromDevice }) => {
      const ended = { tunnel, reason: reason.slice(0, REASON), bytesToDevice, bytesFromDevice };
      await own.close(idOf(namespace, device), ended);
      return {};
    },
  };
}

/** Refusals in gRPC's codes; undefined: none of these. */
export function tunnelsRefusal(error: unknown): RpcError | undefined {
  if (error instanceof TooManyTunnels) return new RpcError("resource_exhausted", error.message);
  if (!(error instanceof TunnelRefused)) return undefined;
  return new RpcError("failed_precondition", error.message, { reason: error.reason });
}

function idOf(namespace: string, id: string): { namespace: string; id: string } {
  if (!isId(namespace) || !isId(id)) throw new UnknownDevice();
  return { namespace, id };
}
