import type { registry } from "@fieldlog/contracts";
import { type DecisionToTell, eventSignal } from "@fieldlog/telling";

const ISSUER = "devices";

/** What subscribers are told of tunnels to a device, as encoded signals. `now`: ms since 1970 UTC. */
export function tunnelsTold({ id, sequence, decision }: DecisionToTell, now: number): Uint8Array[] {
  const { decidedBy: by } = decision;
  return decision.events.flatMap(({ event }, index) => {
    const told = toldOf(event, by);
    if (told === undefined) return [];
    const identity = `tunnel/${sequence}/${index}`;
    const occurredAt = Number(decision.decidedAt);
    return [eventSignal({ ...told, device: id.id, identity, issuer: ISSUER, occurredAt, now })];
  });
}

function toldOf({ case: kind, value }: registry.RegistryEvent["event"], by: string) {
  switch (kind) {
    case "tunnelRequested":
      return { name: "TunnelRequested", data: { tunnel: value.tunnel, port: value.port, by } };
    case "tunnelOpened":
      return { name: "TunnelOpened", data: { tunnel: value.tunnel, by } };
    case "tunnelClosed": {
      const { tunnel, reason } = value;
      const [bytesToDevice, bytesFromDevice] = [Number(value.bytesToDevice), Number(value.bytesFromDevice)];
      return { name: "TunnelClosed", data: { tunnel, reason, bytesToDevice, bytesFromDevice } };
    }
    default:
      return undefined;
  }
}
