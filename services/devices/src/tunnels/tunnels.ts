import { randomUUID } from "node:crypto";
import type { Aggregates, Id } from "@fieldlog/aggregates";
import { type auth, limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import type { RpcClient } from "@fieldlog/rpc";
import type { Capabilities } from "@fieldlog/sealing";
import { UnknownToken } from "../decisions/refusals.js";
import type { Devices } from "../service/devices.js";
import { close, type Ended, open, request, type Tunnel, tunnels } from "./tunnel.js";

/** The dialect whose devices take calls (spotflow reference, B6). */
const DIALECT = "spotflow";
const SUBJECT = /^([0-9a-f-]{36})\/([^/]{1,250})\/(.+)$/s;

/** There may be no tunnel to the device, as things are. */
export class TunnelRefused extends Error {
  override readonly name = "TunnelRefused";
  constructor(
    readonly reason: "remote-access" | "dialect" | "namespace-disabled",
    message: string,
  ) {
    super(message);
  }
}

export interface TunnelsParts {
  readonly aggregates: Pick<Aggregates, "transact">;
  readonly devices: Pick<Devices, "get">;
  readonly auth: Pick<RpcClient<typeof auth.AuthService>, "getNamespace">;
  readonly tokens: Capabilities;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export interface Requested {
  readonly tunnel: string;
  readonly token: string;
  readonly expiresAt: number;
  readonly sequence: number;
}

export interface Opened extends Tunnel {
  readonly device: Id;
  /** Who requested it. */
  readonly by: string;
}

/**
 * Who may have a tunnel to a device. A token opens one, once: that it was used is a decision, so of two edges that are shown
 * it one is let in. Raises UnknownDevice, TunnelRefused, and what Aggregates and auth raise.
 */
export class Tunnels {
  constructor(private readonly parts: TunnelsParts) {}

  /** Raises InvalidField, TooManyTunnels. `endsAt`: when the caller's key expires. */
  async request(id: Id, port: number, by: string, endsAt = Number.POSITIVE_INFINITY): Promise<Requested> {
    if (port < 1 || port > 65_535) throw new InvalidField("port", "is from 1 to 65535");
    await this.check(id);
    const now = this.parts.now();
    const tunnel = randomUUID();
    const expiresAt = Math.min(now + limits.tunnelOpenMs, endsAt);
    const asked = { id: tunnel, port, expiresAt, endsAt: Math.min(now + limits.tunnelMs, endsAt) };
    const { snapshot } = await this.parts.aggregates.transact(tunnels, id, request(asked, now), by);
    const subject = `${tunnel}/${by}/${id.id}`;
    const token = this.parts.tokens.issue({ namespace: id.namespace, subject, expiresAt });
    return { tunnel, token, expiresAt, sequence: snapshot.sequence };
  }

  /** Raises UnknownToken. */
  async open(token: string): Promise<Opened> {
    const found = this.parts.tokens.open(token);
    const [, tunnel, by, device] = SUBJECT.exec(found?.subject ?? "") ?? [];
    if (!found || !tunnel || !by || !device) throw new UnknownToken();
    const id = { namespace: found.namespace, id: device };
    await this.check(id);
    const decide = open(tunnel, this.parts.now());
    const { result } = await this.parts.aggregates.transact(tunnels, id, decide, by);
    return { ...result, device: id, by };
  }

  /** Whether there may be tunnels to the device. */
  async check({ namespace, id }: Id): Promise<void> {
    const [device, found] = await Promise.all([
      this.parts.devices.get(namespace, id),
      this.parts.auth.getNamespace({ idOrName: namespace }),
    ]);
    if (device.state.dialect !== DIALECT) throw new TunnelRefused("dialect", "the device takes no calls");
    if (found.namespace?.disabled) throw new TunnelRefused("namespace-disabled", "the namespace is disabled");
    if (!found.namespace?.settings?.remoteAccess) {
      throw new TunnelRefused("remote-access", "the namespace's settings do not allow remote access");
    }
  }

  async close(id: Id, ended: Ended): Promise<void> {
    await this.parts.aggregates.transact(tunnels, id, close(ended), "system");
  }
}
