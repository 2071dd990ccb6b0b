import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import type { Outcome } from "@fieldlog/decider";
import { describe, expect, it } from "vitest";
import { UnknownToken } from "../decisions/refusals.js";
import { close, type DeviceTunnels, open, request, TooManyTunnels, tunnels } from "./tunnel.js";

type Decide = (state: DeviceTunnels) => Outcome<unknown>;

const asked = (id: string) => ({ id, port: 22, expiresAt: 1_000, endsAt: 5_000 });
const ended = (tunnel: string) => ({ tunnel, reason: "", bytesToDevice: 1n, bytesFromDevice: 2n });

/** The state after these decisions, and what the last of them led to. */
function after(...decisions: readonly Decide[]) {
  let state = tunnels.initial;
  let events: (string | undefined)[] = [];
  for (const decide of decisions) {
    const outcome = decide(state);
    events = outcome.events.map(({ event }) => event?.case);
    const at = { sequence: 1, decidedAt: 0, decidedBy: "key:1" };
    for (const event of outcome.events)
      state = tunnels.evolve(state, create(registry.RegistryEventSchema, event), at);
  }
  return { state, events };
}

describe("tunnels of a device", () => {
  it("are opened once, and in time", () => {
    const { state, events } = after(request(asked("a"), 0), open("a", 999));
    expect([events, state.live]).toEqual([["tunnelOpened"], [{ ...asked("a"), open: true }]]);
    expect(() => open("a", 999)(state)).toThrow(UnknownToken);
    expect(() => open("b", 999)(state)).toThrow(UnknownToken);
    expect(() => after(request(asked("a"), 0), open("a", 1_000))).toThrow(UnknownToken);
  });

  it("are closed once, if they were opened", () => {
    const opened = [request(asked("a"), 0), open("a", 1)];
    expect(after(...opened, close(ended("a")))).toEqual({ state: { live: [] }, events: ["tunnelClosed"] });
    expect(after(...opened, close(ended("a")), close(ended("a"))).events).toEqual([]);
    expect(after(request(asked("a"), 0), close(ended("a"))).events).toEqual([]);
  });

  it("are bounded; what is over makes room, and is told", () => {
    const full = Array.from({ length: limits.tunnelsPerDevice }, (_, i) => request(asked(String(i)), 0));
    expect(() => after(...full, request(asked("more"), 999))).toThrow(TooManyTunnels);
    const { state, events } = after(...full, open("0", 1), request(asked("more"), 1_000));
    expect(events.filter((one) => one === "tunnelClosed")).toHaveLength(limits.tunnelsPerDevice - 1);
    expect(state.live.map(({ id }) => id)).toEqual(["0", "more"]);
    expect(request(asked("later"), 5_000)(state).events).toHaveLength(3);
  });
});
