import {
  Budget,
  deviceKey,
  type Known,
  type KnownNamespace,
  type KnownSession,
  keyHash,
} from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import type { Settings } from "@fieldlog/runtime";
import { LRUCache } from "lru-cache";
import { type Role, roles } from "./operations.js";
import { refusals } from "./refusal.js";
import type { TentaRequest } from "./request.js";

/** A person's session, under the name by which it can be ended. */
export interface User extends KnownSession {
  /** Hex SHA-256 of the token. */
  readonly tokenHash: string;
}

/** A3: two parts, the first of them `bearer` in any case, the second 64 hex digits. */
const BEARER = /^\s*bearer\s+([a-f0-9]{64})\s*$/i;
/** The same with an API key. */
const KEY = /^\s*bearer\s+(\S+)\s*$/i;

/** Who asks, and what they may do. */
export class Access {
  /** By token; of remote addresses by themselves. */
  private readonly sessions = new LRUCache<string, Budget>({ max: limits.cachedKeys });
  private readonly addresses = new LRUCache<string, Budget>({ max: limits.cachedKeys });

  constructor(
    private readonly known: Pick<Known, "sessions" | "namespaces" | "registered" | "roles" | "keys">,
    private readonly now: () => number,
    private readonly signUp: Settings["signUp"],
  ) {}

  /** Raises Refusal 401, 429. */
  async user(authorization: string | undefined): Promise<User> {
    const token = BEARER.exec(authorization ?? "")?.[1];
    if (token === undefined) throw refusals.unauthorized();
    const tokenHash = keyHash(token);
    const session = await this.known.sessions.get(tokenHash);
    if (session === undefined || session.expiresAt <= this.now()) throw refusals.unauthorized();
    take(this.sessions, tokenHash, limits.requestsPerSecond, limits.requestBurst, this.now());
    return { ...session, tokenHash };
  }

  /** Raises Refusal 401, 429, 404, 403; in this order (A3.3). */
  async inNetwork(request: TentaRequest) {
    const user = await this.user(request.authorization);
    const network = await this.network(request);
    await this.mustBe(request.who, user, network);
    return { user, network };
  }

  /** Raises Refusal 401, 429, 404, 403; in this order (A3.3). */
  async atSensor(request: TentaRequest) {
    const user = await this.user(request.authorization);
    const network = await this.network(request);
    const id = request.params["sensor_identifier"] ?? "";
    const sensor = await this.known.registered.get(deviceKey(network.id, id));
    if (sensor === undefined) throw refusals.noSensor();
    await this.mustBe(request.who, user, network);
    return { user, network, sensor };
  }

  private async network({ params }: TentaRequest): Promise<KnownNamespace> {
    const id = params["network_identifier"] ?? "";
    const network = await this.known.namespaces.get(id);
    // An identifier that is somebody's name is none.
    if (network?.id !== id) throw refusals.noNetwork();
    return network;
  }

  private async mustBe(role: TentaRequest["who"], user: User, network: KnownNamespace): Promise<void> {
    const has = await this.known.roles.get(deviceKey(network.id, user.userId));
    const rank = roles.indexOf(has as Role);
    if (rank < 0 || rank < roles.indexOf(role as Role)) throw refusals.forbidden(role);
  }

  /** Logging in costs much, so it is bounded by where it comes from. Raises Refusal 429. */
  mayLogIn(address: string): void {
    take(this.addresses, originOf(address), limits.loginsPerSecond, limits.loginBurst, this.now());
  }

  /** As whoever logs in; and where sign-up is closed, with the operator's key. Raises Refusal 429, 403. */
  async maySignUp({
    address,
    authorization,
  }: Pick<TentaRequest, "address" | "authorization">): Promise<void> {
    this.mayLogIn(address);
    if (this.signUp === "open") return;
    const key = KEY.exec(authorization ?? "")?.[1];
    const found = key === undefined ? undefined : await this.known.keys.get(keyHash(key));
    const isOperator = found?.namespace === "" && found.permission === "admin";
    const expired = found?.expiresAt !== undefined && found.expiresAt <= this.now();
    if (!isOperator || expired) throw refusals.closed();
  }
}

function take(from: LRUCache<string, Budget>, key: string, perSecond: number, burst: number, now: number) {
  let budget = from.get(key);
  if (budget === undefined) {
    budget = new Budget(perSecond, burst);
    from.set(key, budget);
  }
  if (!budget.take(now)) throw refusals.tooMany(Math.max(1, Math.ceil(1 / perSecond)));
}

/** An IPv4 address, or the network of 2^64 addresses that an IPv6 one belongs to, of which anyone may have all. */
export function originOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = "", tail] = address.split("%", 1)[0]?.toLowerCase().split("::") ?? [];
  const [before, after] = [head, tail ?? ""].map((part) => (part === "" ? [] : part.split(":"))) as [
    string[],
    string[],
  ];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const groups = [...before, ...zeros, ...after];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
