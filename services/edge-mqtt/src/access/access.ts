import { hash, timingSafeEqual } from "node:crypto";
import {
  deviceKey,
  type Known,
  type KnownNamespace,
  type KnownPassword,
  keyHash,
  LoadsExceeded,
} from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import { isFilterOfEvents } from "../events/topics.js";
import { type HubLogin, hubId, readHubLogin } from "../spotflow/login.js";
import { deviceBoundFilter, isOfHub } from "../spotflow/topics.js";
import { isTentaRoot } from "../tenta/topics.js";
import type { Principal } from "./principal.js";

/** What a log-in may come to besides a principal: not granted; not now (auth does not answer, the namespace is disabled). */
export type LoginFailure = "refused" | "unavailable";

/** What an edge knows of those who log in. */
export type KnownLogins = Pick<Known, "keys" | "namespaces" | "passwords"> & {
  readonly connections: Pick<Known["connections"], "get">;
};

type Login = Principal | LoginFailure;

const permissions = new Set(["read", "write", "admin"]);

/** Who may connect, and what each may subscribe to. What each may publish is decided where it publishes. */
export class Access {
  constructor(
    private readonly known: KnownLogins,
    private readonly now: () => number,
  ) {}

  /**
   * A device by its id, alone or behind `<namespace>/`, and its password; or whoever has an API key as
   * password, for the namespace of the key, else the one that the user name names; or a provisioned device as the
   * hub's dialect has it. No device of a disabled namespace is let in.
   */
  async login(username: string | undefined, password: Uint8Array | undefined, clientId = ""): Promise<Login> {
    if (password === undefined || password.length === 0) return "refused";
    const hub = readHubLogin(username ?? "", password, clientId);
    if (hub === "wrong") return "refused";
    try {
      if (hub !== undefined) return await this.provisioned(hub);
      return (await this.device(username ?? "", password)) ?? (await this.key(username ?? "", password));
    } catch (error) {
      if (error instanceof RpcError || error instanceof LoadsExceeded) return "unavailable";
      throw error;
    }
  }

  /** Whether what it logged in with would still be granted. What cannot be found out counts as good. */
  async stillGood({ namespace, kind, proof, expiresAt }: Principal): Promise<boolean> {
    if (expiresAt !== undefined && expiresAt <= this.now()) return false;
    try {
      if (kind === "key") return (await this.known.keys.get(proof.key)) !== undefined;
      if ((await this.known.namespaces.get(namespace))?.disabled) return false;
      if (proof.isConnection) return (await this.known.connections.get(proof.key)) !== undefined;
      const passwords = await this.known.passwords.get(proof.key);
      return proof.hash !== undefined && withHash(passwords, proof.hash) !== undefined;
    } catch (error) {
      if (error instanceof RpcError || error instanceof LoadsExceeded) return true;
      throw error;
    }
  }

  /** Of a valid filter, without `$share/<group>/`. */
  maySubscribe({ kind, namespace, id, hubId }: Principal, filter: string): boolean {
    if (kind === "key") return true;
    if (hubId !== undefined && filter === deviceBoundFilter(namespace, id)) return true;
    if (isOfHub(filter)) return false;
    const slash = filter.indexOf("/");
    const root = slash < 0 ? filter : filter.slice(0, slash);
    // Before its own topics: a device may go by the name of such a root.
    if (slash >= 0 && isTentaRoot(root)) return filter.slice(slash + 1) === id;
    if (root === id) return true;
    // Devices react to each other.
    return isFilterOfEvents(filter);
  }

  private async provisioned({ workspace, device, token }: HubLogin): Promise<Login> {
    const found = await this.known.connections.get(token);
    if (found === undefined || found.namespace !== workspace || found.device !== device) return "refused";
    const namespace = await this.known.namespaces.get(found.namespace);
    if (namespace === undefined) return "refused";
    if (namespace.disabled) return "unavailable";
    return {
      ...{ namespace: namespace.id, namespaceName: namespace.name, kind: "device", id: device },
      ...{ permission: "device", expiresAt: found.expiresAt, hubId: hubId(workspace, device) },
      budget: found.budget,
      proof: { key: token, isConnection: true },
    };
  }

  private async device(username: string, password: Uint8Array): Promise<Login | undefined> {
    const slash = username.indexOf("/");
    const id = username.slice(slash + 1);
    if (id === "") return undefined;
    const given = slash < 0 ? undefined : await this.known.namespaces.get(username.slice(0, slash));
    if (slash >= 0 && given === undefined) return undefined;
    const key = deviceKey(given?.id ?? "", id);
    const found = withHash(await this.known.passwords.get(key), sha256(password));
    if (found === undefined) return undefined;
    const namespace = given ?? (await this.known.namespaces.get(found.namespace));
    if (namespace?.disabled) return "unavailable";
    return (
      namespace && {
        ...{ namespace: namespace.id, namespaceName: namespace.name, kind: "device", id },
        ...{ permission: "device", budget: found.budget, proof: { key, hash: found.hash } },
      }
    );
  }

  private async key(username: string, password: Uint8Array): Promise<Login> {
    const key = keyHash(Buffer.from(password).toString("utf8"));
    const found = await this.known.keys.get(key);
    const expired = found?.expiresAt !== undefined && found.expiresAt <= this.now();
    if (found === undefined || expired || !permissions.has(found.permission)) return "refused";
    const namespace = await this.namespaceOf(found.namespace, username);
    if (namespace === undefined) return "refused";
    const permission = found.permission as "read" | "write" | "admin";
    return {
      ...{ namespace: namespace.id, namespaceName: namespace.name, kind: "key", id: found.id },
      ...{ permission, budget: found.budget, expiresAt: found.expiresAt, proof: { key } },
    };
  }

  private async namespaceOf(ofKey: string, username: string): Promise<KnownNamespace | undefined> {
    const named = ofKey === "" ? username : ofKey;
    return named === "" ? undefined : this.known.namespaces.get(named);
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** Of devices with the same id, each has a password of its own. */
function withHash(passwords: readonly KnownPassword[] = [], digest: Uint8Array): KnownPassword | undefined {
  return passwords.find(({ hash }) => isSame(hash, digest));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
