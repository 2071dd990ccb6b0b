import { hash } from "node:crypto";
import {
  Budget,
  type KnownConnection,
  type KnownKey,
  type KnownPassword,
  keyHash,
  LoadCache,
} from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import { beforeEach, describe, expect, it } from "vitest";
import { Access, type KnownLogins } from "./access.js";
import type { Principal } from "./principal.js";

const NOW = Date.UTC(2026, 5, 1);
const budget = new Budget(1, 1);
let passwords: Map<string, readonly KnownPassword[]>;
let keys: Map<string, KnownKey>;
let away: boolean;
let known: KnownLogins;
let tokens: Map<string, KnownConnection>;
let disabled: boolean;
let caches: LoadCache<NonNullable<unknown>>[];
let access: Access;

const password = (namespace: string, text: string): KnownPassword => ({
  ...{ namespace, device: "d", hash: hash("sha256", text, "buffer"), budget },
});

function cache<V extends NonNullable<unknown>>(of: () => Map<string, V>): LoadCache<V> {
  const load = async (key: string) => {
    if (away) throw new RpcError("unavailable", "away");
    return of().get(key);
  };
  const made = new LoadCache<V>({ max: 10, load });
  caches.push(made as unknown as LoadCache<NonNullable<unknown>>);
  return made;
}

beforeEach(() => {
  away = false;
  disabled = false;
  caches = [];
  tokens = new Map([["good", { namespace: "ns1", device: "cellar-7", expiresAt: NOW + 1, budget }]]);
  passwords = new Map([
    ["/d", [password("ns1", "secret")]],
    ["ns2/d", [password("ns2", "secret")]],
  ]);
  const key = (permission: string, namespace: string, expiresAt?: number) => ({
    ...{ id: permission, permission, namespace, expiresAt, budget },
  });
  keys = new Map([
    [keyHash("fl_all"), key("admin", "")],
    [keyHash("fl_one"), key("read", "ns1")],
    [keyHash("fl_old"), key("write", "ns1", NOW)],
  ]);
  const namespace = (id: string) => ({ id, name: `name-of-${id}`, disabled });
  const namespaces = () =>
    new Map(["ns1", "ns2"].flatMap((id) => [id, `name-of-${id}`].map((key) => [key, namespace(id)])));
  known = {
    connections: cache(() => tokens),
    passwords: cache(() => passwords),
    keys: cache(() => keys),
    namespaces: cache(namespaces),
  };
  access = new Access(known, () => NOW);
});

const login = (username: string | undefined, password: string | undefined, clientId?: string) =>
  access.login(username, password === undefined ? undefined : Buffer.from(password), clientId);
const HUB_USER = "here/ns1:cellar-7/?api-version=2018-06-30";
const signed = (token: string) => `SharedAccessSignature sr=here&sig=${token}&se=1780000000`;
const granted = async (username: string | undefined, password: string) =>
  (await login(username, password)) as Principal;

describe("Access", () => {
  it("lets a device in by its id, alone or with its namespace", async () => {
    const expected = { kind: "device", id: "d", permission: "device" };
    expect(await login("d", "secret")).toMatchObject({ ...expected, namespace: "ns1" });
    expect(await login("ns2/d", "secret")).toMatchObject({ ...expected, namespace: "ns2" });
    expect(await login("name-of-ns2/d", "secret")).toMatchObject({ ...expected, namespace: "ns2" });
  });
  it("lets each of several devices with the same id in, by its own password, and keeps them in", async () => {
    const device = await granted("d", "secret");
    passwords.set("/d", [password("ns2", "another"), password("ns1", "secret")]);
    for (const cache of caches) cache.clear();
    expect(await access.stillGood(device)).toBe(true);
    expect(await login("d", "secret")).toMatchObject({ kind: "device", namespace: "ns1" });
    expect(await login("d", "another")).toMatchObject({ kind: "device", namespace: "ns2" });
    expect(await login("d", "wrong")).toBe("refused");
  });
  it.each([
    ["d", "wrong"],
    ["d", ""],
    ["d", undefined],
    ["other", "secret"],
    ["nowhere/d", "secret"],
    ["ns1/d", "secret"],
    [undefined, "secret"],
    ["", ""],
    [undefined, undefined],
    ["ns1/", "secret"],
  ])("refuses %j with %j", async (username, password) => {
    expect(await login(username, password)).toBe("refused");
  });
  it("lets a key in for its own namespace whatever the user name, or for the one that is named", async () => {
    for (const username of [undefined, "", "anything", "name-of-ns2"]) {
      const expected = { kind: "key", id: "read", permission: "read", namespace: "ns1" };
      expect(await login(username, "fl_one")).toMatchObject({ ...expected, namespaceName: "name-of-ns1" });
    }
    expect(await login("name-of-ns2", "fl_all")).toMatchObject({ permission: "admin", namespace: "ns2" });
    expect(await login("nowhere", "fl_all")).toBe("refused");
    expect(await login("", "fl_all")).toBe("refused");
  });
  it("refuses a key that has expired", async () => {
    expect(await login("", "fl_old")).toBe("refused");
  });
  it("tells that nobody could say from that nobody is let in", async () => {
    away = true;
    expect(await login("d", "secret")).toBe("unavailable");
  });

  it("lets a provisioned device in by its connection token, under its own client id", async () => {
    expect(await login(HUB_USER, signed("good"), "ns1:cellar-7")).toMatchObject({
      ...{ kind: "device", id: "cellar-7", namespace: "ns1", hubId: "ns1:cellar-7", expiresAt: NOW + 1 },
    });
    // One for all of its connections.
    expect(((await login(HUB_USER, signed("good"), "ns1:cellar-7")) as Principal).budget).toBe(budget);
    for (const [user, password, client] of [
      [HUB_USER, signed("bad"), "ns1:cellar-7"],
      [HUB_USER, "good", "ns1:cellar-7"],
      [HUB_USER, signed("good"), "cellar-7"],
      [HUB_USER.replace("cellar-7", "cellar-8"), signed("good"), "ns1:cellar-8"],
      [HUB_USER.replace("ns1", "ns2"), signed("good"), "ns2:cellar-7"],
    ] as const) {
      expect(await login(user, password, client)).toBe("refused");
    }
  });

  it("lets no device of a disabled namespace in, and finds out when it was disabled", async () => {
    const provisioned = (await login(HUB_USER, signed("good"), "ns1:cellar-7")) as Principal;
    const device = await granted("d", "secret");
    expect(await access.stillGood(provisioned)).toBe(true);
    disabled = true;
    for (const cache of caches) cache.clear();
    expect(await login(HUB_USER, signed("good"), "ns1:cellar-7")).toBe("unavailable");
    expect(await login("d", "secret")).toBe("unavailable");
    expect(await login("", "fl_one")).toMatchObject({ kind: "key" });
    expect(await access.stillGood(provisioned)).toBe(false);
    expect(await access.stillGood(device)).toBe(false);
    disabled = false;
    tokens.clear();
    for (const cache of caches) cache.clear();
    expect(await access.stillGood(provisioned)).toBe(false);
    expect(await access.stillGood(device)).toBe(true);
  });

  it("lets a provisioned device subscribe to the messages to it, and nobody to those to others", async () => {
    const provisioned = (await login(HUB_USER, signed("good"), "ns1:cellar-7")) as Principal;
    const own = "devices/ns1:cellar-7/messages/devicebound/#";
    expect(access.maySubscribe(provisioned, own)).toBe(true);
    expect(access.maySubscribe(provisioned, "configurations/cellar-7")).toBe(true);
    expect(access.maySubscribe({ ...provisioned, id: "devices" }, "devices/#")).toBe(false);
    expect(access.maySubscribe(await granted("d", "secret"), own)).toBe(false);
  });

  it("finds out that a credential was revoked, replaced or has expired", async () => {
    const device = await granted("d", "secret");
    const key = await granted("", "fl_one");
    expect(await access.stillGood(device)).toBe(true);
    expect(await access.stillGood(key)).toBe(true);
    passwords.set("/d", [password("ns1", "new")]);
    keys.delete(keyHash("fl_one"));
    for (const cache of caches) cache.clear();
    expect(await access.stillGood(device)).toBe(false);
    expect(await access.stillGood(key)).toBe(false);
    expect(await access.stillGood({ ...device, expiresAt: NOW })).toBe(false);
    away = true;
    for (const cache of caches) cache.clear();
    expect(await access.stillGood(device)).toBe(true);
  });

  it("lets a device subscribe to its own topics only, and a key to all", async () => {
    const device = await granted("d", "secret");
    for (const filter of ["d", "d/#", "d/+/x", "configurations/d", "events/#", "events/+/Light"]) {
      expect([filter, access.maySubscribe(device, filter)]).toEqual([filter, true]);
    }
    const foreign = [
      "#",
      "+",
      "+/d",
      "dd",
      "configurations/+",
      "configurations/d/#",
      "configurations/#",
      "x/d",
    ];
    for (const filter of [...foreign, "configurations", "configurations/e", "measurements"]) {
      expect([filter, access.maySubscribe(device, filter)]).toEqual([filter, false]);
    }
    for (const id of [
      "measurements",
      "heartbeats",
      "logs",
      "log-messages",
      "acknowledgments",
      "configurations",
    ]) {
      const allowed = [`${id}/#`, `${id}/+`, `${id}/d`, `${id}/${id}`, id].filter((filter) =>
        access.maySubscribe({ ...device, id }, filter),
      );
      expect(allowed).toEqual([`${id}/${id}`, id]);
    }
    expect(access.maySubscribe(await granted("", "fl_one"), "#")).toBe(true);
  });
});
