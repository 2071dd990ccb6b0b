import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import type { Outcome } from "@fieldlog/decider";
import { Capabilities } from "@fieldlog/sealing";
import { describe, expect, it } from "vitest";
import { UnknownToken } from "../decisions/refusals.js";
import { tunnels } from "./tunnel.js";
import { Tunnels, type TunnelsParts } from "./tunnels.js";

const ID = { namespace: "n", id: "hut/1 ü" };
const TOKENS = new Capabilities([randomBytes(32)], "tunnel");

/** The service over one device, in memory. */
function serving(of: {
  dialect?: string;
  remoteAccess?: boolean;
  disabled?: boolean;
  tokens?: Capabilities;
}) {
  const { dialect = "spotflow", remoteAccess = true, disabled = false, tokens = TOKENS } = of;
  const clock = { now: 1_000 };
  let state = tunnels.initial;
  const transact = async (
    _kind: unknown,
    _id: unknown,
    decide: (s: typeof state) => Outcome<unknown>,
    by: string,
  ) => {
    const { events, result } = decide(state);
    const at = { sequence: 1, decidedAt: clock.now, decidedBy: by };
    for (const event of events) {
      state = tunnels.evolve(state, create(registry.RegistryEventSchema, event), at);
    }
    return { snapshot: { state, sequence: 7 }, result, appended: true };
  };
  const parts = {
    aggregates: { transact },
    devices: { get: async () => ({ state: { dialect } }) },
    auth: { getNamespace: async () => ({ namespace: { disabled, settings: { remoteAccess } } }) },
  };
  // Only what it uses of them.
  const own = new Tunnels({ ...parts, tokens, now: () => clock.now } as unknown as TunnelsParts);
  return { own, clock };
}

describe("tunnels", () => {
  it("are opened by their token, once, and say who asked for them", async () => {
    const { own } = serving({});
    const { token, tunnel, expiresAt } = await own.request(ID, 22, "key:1");
    expect(expiresAt).toBe(1_000 + limits.tunnelOpenMs);
    expect(await own.open(token)).toMatchObject({ id: tunnel, device: ID, port: 22, by: "key:1" });
    await expect(own.open(token)).rejects.toThrow(UnknownToken);
  });

  it("are opened in time, and end with the key", async () => {
    const { own, clock } = serving({});
    const { token, expiresAt } = await own.request(ID, 22, "key:1");
    clock.now = expiresAt;
    await expect(own.open(token)).rejects.toThrow(UnknownToken);
    const short = await own.request(ID, 22, "key:1", clock.now + 10);
    expect(short.expiresAt).toBe(clock.now + 10);
    expect((await own.open(short.token)).endsAt).toBe(clock.now + 10);
  });

  it("are not opened by tokens that others made, or that are good for something else", async () => {
    const { own } = serving({});
    const other = await serving({ tokens: new Capabilities([randomBytes(32)], "tunnel") }).own.request(
      ID,
      22,
      "k",
    );
    const elsewhere = TOKENS.issue({ namespace: "n", subject: "hut-1", expiresAt: 2_000 });
    const never = TOKENS.issue({ namespace: "n", subject: `${other.tunnel}/k/hut-1`, expiresAt: 2_000 });
    for (const token of [other.token, elsewhere, never, "", "x"]) {
      await expect(own.open(token)).rejects.toThrow(UnknownToken);
    }
  });

  it("are for devices that take calls, in namespaces that allow them", async () => {
    const refusals = [
      [{ dialect: "csn" }, "dialect"],
      [{ remoteAccess: false }, "remote-access"],
      [{ disabled: true }, "namespace-disabled"],
    ] as const;
    for (const [of, reason] of refusals) {
      await expect(serving(of).own.request(ID, 22, "key:1")).rejects.toMatchObject({ reason });
    }
    for (const port of [0, 65_536]) {
      await expect(serving({}).own.request(ID, port, "key:1")).rejects.toMatchObject({ field: "port" });
    }
  });
});
