import { limits } from "@fieldlog/contracts";
import type { Decider, Outcome, RegistryEvent } from "@fieldlog/decider";
import { UnknownToken } from "../decisions/refusals.js";

// Ids: the device's id.

// Events: TunnelRequested, TunnelOpened, TunnelClosed. Their names and fields are the storage format of the permanent log.

// State

/** A tunnel that may be opened, or is. Times are ms since 1970 UTC. */
export interface Tunnel {
  /** UUID. */
  readonly id: string;
  readonly port: number;
  /** Until then its URL has to be used. */
  readonly expiresAt: number;
  readonly endsAt: number;
  /** Its URL was used. */
  readonly open: boolean;
}

export interface DeviceTunnels {
  readonly live: readonly Tunnel[];
}

export const tunnels: Decider<DeviceTunnels> = {
  kind: "tunnel",
  initial: { live: [] },
  evolve: ({ live }, { event }) => {
    switch (event.case) {
      case "tunnelRequested": {
        const { tunnel: id, port, ...times } = event.value;
        const [expiresAt, endsAt] = [Number(times.expiresAt), Number(times.endsAt)];
        return { live: [...live, { id, port, expiresAt, endsAt, open: false }] };
      }
      case "tunnelOpened": {
        const { tunnel } = event.value;
        return { live: live.map((one) => (one.id === tunnel ? { ...one, open: true } : one)) };
      }
      case "tunnelClosed": {
        const { tunnel } = event.value;
        return { live: live.filter(({ id }) => id !== tunnel) };
      }
      default:
        return { live };
    }
  },
};

// Decisions

/** The device has as many tunnels as it may. */
export class TooManyTunnels extends Error {
  override readonly name = "TooManyTunnels";
  constructor() {
    super(`the device has ${limits.tunnelsPerDevice} tunnels, and may have no more at once`);
  }
}

/** What nobody told the end of, because its edge was killed or its URL not used, ends with the next request. Refuses TooManyTunnels. */
export function request(asked: Omit<Tunnel, "open">, now: number): (state: DeviceTunnels) => Outcome<void> {
  return ({ live }) => {
    const over = live.filter((one) => now >= (one.open ? one.endsAt : one.expiresAt));
    if (live.length - over.length >= limits.tunnelsPerDevice) throw new TooManyTunnels();
    const { id: tunnel, port, expiresAt, endsAt } = asked;
    const value = { tunnel, port, expiresAt: BigInt(expiresAt), endsAt: BigInt(endsAt) };
    const requested: RegistryEvent = { event: { case: "tunnelRequested", value } };
    return { events: [...over.map(forgotten), requested], result: undefined };
  };
}

function forgotten({ id: tunnel, open }: Tunnel): RegistryEvent {
  const reason = open ? "nobody told its end" : "its URL was not used in time";
  return { event: { case: "tunnelClosed", value: { tunnel, reason } } };
}

/** The result is what was opened. Refuses UnknownToken: it was opened before, or it is too late. */
export function open(tunnel: string, now: number): (state: DeviceTunnels) => Outcome<Tunnel> {
  return ({ live }) => {
    const found = live.find(({ id }) => id === tunnel);
    if (found === undefined || found.open || now >= found.expiresAt) throw new UnknownToken();
    return { events: [{ event: { case: "tunnelOpened", value: { tunnel } } }], result: found };
  };
}

/** What became of a tunnel. */
export interface Ended {
  readonly tunnel: string;
  readonly reason: string;
  readonly bytesToDevice: bigint;
  readonly bytesFromDevice: bigint;
}

/** Of one that is not open: nothing. */
export function close(ended: Ended): (state: DeviceTunnels) => Outcome<void> {
  return ({ live }) => {
    const isOpen = live.some(({ id, open }) => id === ended.tunnel && open);
    return { events: isOpen ? [{ event: { case: "tunnelClosed", value: ended } }] : [], result: undefined };
  };
}
