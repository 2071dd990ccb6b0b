import { randomBytes } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Capabilities } from "@fieldlog/sealing";
import {
  NotGood,
  OtherProvisioningToken,
  RegistrationGone,
  RegistrationsUsed,
} from "../../decisions/refusals.js";
import {
  goodUntil,
  hashesOf,
  issue,
  type LiveRegistration,
  refresh,
  registration,
  revokeRegistration,
  revokeSeries,
} from "../../decisions/registration.js";
import type { Lookup } from "../lookup.js";
import { hashOf } from "../secret-hash.js";
import { type FoundToken, HASH_BYTES } from "./tokens.js";

const SECRET_BYTES = 48;

/** Of registrations that came of a provisioning token: by it they are counted. */
export function tokenKey(provisioningToken: string): string {
  return `of/${provisioningToken}`;
}

export interface IssuedToken {
  readonly secret: string;
  /** ms since 1970 UTC; absent: never. */
  readonly expiresAt?: number;
}

/** With what a device connects. */
export interface Connection {
  readonly namespace: string;
  readonly device: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
}

export interface RegistrationsParts {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly lookup: Lookup;
  /** Resolves when the read model has all that is in the log now. */
  readonly caughtUp: () => Promise<void>;
  /** Of the purpose "connection". */
  readonly connections: Capabilities;
  /** Raises NamespaceIsDisabled. */
  readonly checkEnabled: (namespace: string) => Promise<void>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** What devices that were provisioned prove themselves by: registration tokens, and the connection tokens they open. */
export class Registrations {
  constructor(private readonly parts: RegistrationsParts) {}

  /** All tokens of the device before it are good no more, nor is what they opened. Raises RegistrationsUsed. */
  async issue(
    from: FoundToken,
    device: string,
    { operation, lifetimeS }: { readonly operation: string; readonly lifetimeS: number | undefined },
  ): Promise<IssuedToken> {
    const { aggregates, now } = this.parts;
    const { namespace, id } = from;
    const secret = newToken();
    const end = lifetimeS === undefined ? {} : { expiresAt: now() + lifetimeS * 1_000 };
    const decide = issue({ tokenHash: hashOf(secret), provisioningToken: id, operation, ...end });
    const at = { namespace, id: device };
    const { snapshot } = await aggregates.transact(registration, at, decide, `device:${device}`);
    const most = from.token.registrations;
    if (most !== undefined && (await this.isBeyond(from, most, snapshot.sequence))) {
      await aggregates.transact(registration, at, revokeSeries(snapshot.sequence), "system");
      throw new RegistrationsUsed(most);
    }
    return { secret, ...end };
  }

  /** Raises RegistrationGone, OtherProvisioningToken, NamespaceIsDisabled. */
  async refresh(from: FoundToken, tokenHash: Uint8Array): Promise<IssuedToken & { again: boolean }> {
    const { aggregates, checkEnabled, now } = this.parts;
    await checkEnabled(from.namespace);
    const found = await this.withHash(tokenHash);
    if (!found || found.namespace !== from.namespace) throw new RegistrationGone();
    if (found.state.provisioningToken !== from.id) throw new OtherProvisioningToken();
    const secret = newToken();
    const { namespace, device, hash } = found;
    const decide = refresh({
      ...{ from: hash, tokenHash: hashOf(secret), graceMs: limits.registrationGraceMs, now: now() },
    });
    const { result } = await aggregates.transact(
      registration,
      { namespace, id: device },
      decide,
      `device:${device}`,
    );
    return { secret, ...result };
  }

  /** What the device connects with. Raises NotGood, NamespaceIsDisabled. */
  async open(tokenHash: Uint8Array): Promise<Connection & { token: string; registrationUntil?: number }> {
    const { connections, checkEnabled, now } = this.parts;
    const found = await this.withHash(tokenHash);
    if (!found) throw new NotGood("registration token");
    const { namespace, device, state, until } = found;
    await checkEnabled(namespace);
    const expiresAt = Math.floor(Math.min(until, now() + limits.connectionTokenMs));
    const token = connections.issue({ namespace, subject: subjectOf(state, device), expiresAt });
    const end = Number.isFinite(until) ? { registrationUntil: until } : {};
    return { namespace, device, token, expiresAt, ...end };
  }

  /** Whose connection token it is, on the newest state of its registration. Raises NotGood. */
  async connected(token: string): Promise<Connection> {
    const { aggregates, connections, now } = this.parts;
    const opened = connections.open(token);
    if (!opened || opened.expiresAt <= now()) throw new NotGood("connection token");
    const { namespace, subject, expiresAt } = opened;
    const device = subject.slice(subject.indexOf("/") + 1);
    const { state } = await aggregates.current(registration, { namespace, id: device });
    if (state.phase !== "live" || subjectOf(state, device) !== subject) throw new NotGood("connection token");
    return { namespace, device, expiresAt };
  }

  /** Asked twice, or of a device that has none, succeeds. Returns the sequence of the newest decision, 0: there is none. */
  async revoke(namespace: string, device: string, decidedBy: string): Promise<number> {
    const id = { namespace, id: device };
    const { snapshot } = await this.parts.aggregates.transact(
      registration,
      id,
      revokeRegistration,
      decidedBy,
    );
    return snapshot.sequence;
  }

  /** Devices that came in with a provisioning token and have not been revoked, as of all that is in the log. */
  async count(provisioningToken: string): Promise<number> {
    await this.parts.caughtUp();
    return this.parts.snapshots.countFound(registration, tokenKey(provisioningToken));
  }

  /** Whether that registration is one too many: of those who come at the same moment, the first in the log are in. */
  private async isBeyond({ namespace, id }: FoundToken, most: number, series: number): Promise<boolean> {
    if ((await this.count(id)) <= most) return false;
    const { snapshots } = this.parts;
    let before = 0;
    for await (const page of snapshots.findPages(registration, tokenKey(id))) {
      const devices = page.map(({ id: device }) => device);
      const found = await snapshots.loadAll(registration, namespace, devices);
      before += found.filter(({ state }) => state.phase === "live" && state.series <= series).length;
    }
    return before > most;
  }

  /** The same of several, by token, as the read model has it. */
  async countAll(provisioningTokens: readonly string[]): Promise<Map<string, number>> {
    const count = async (id: string) =>
      [id, await this.parts.snapshots.countFound(registration, tokenKey(id))] as const;
    return new Map(await Promise.all(provisioningTokens.map(count)));
  }

  /** Whether the device came in with that provisioning token already. */
  async cameWith({ namespace, id }: FoundToken, device: string): Promise<boolean> {
    const { state } = await this.parts.aggregates.current(registration, { namespace, id: device });
    return state.phase === "live" && state.provisioningToken === id;
  }

  private async withHash(tokenHash: Uint8Array) {
    const { lookup, aggregates, now } = this.parts;
    if (tokenHash.length !== HASH_BYTES) return undefined;
    const hash = Buffer.from(tokenHash).toString("hex");
    const [found] = await lookup.find(registration, hash, async ({ namespace, id: device }) => {
      const { state } = await aggregates.current(registration, { namespace, id: device });
      const until = goodUntil(state, hash, now());
      if (state.phase !== "live" || until === undefined || !hashesOf(state).includes(hash)) return undefined;
      return { namespace, device, hash, state, until };
    });
    return found;
  }
}

/** A connection token is good for one registration of one device: the next one ends it. */
function subjectOf({ series }: LiveRegistration, device: string): string {
  return `${series}/${device}`;
}

/** Begins as those of the dialect do. */
function newToken(): string {
  return `rr${randomBytes(SECRET_BYTES).toString("base64url")}`;
}
