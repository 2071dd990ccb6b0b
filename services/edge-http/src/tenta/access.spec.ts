import { Budget, type KnownKey, type KnownSession, keyHash, LoadCache } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { Access, originOf } from "./access.js";
import { Refusal } from "./refusal.js";

const TOKEN = "a1".repeat(32);
const NETWORK = "2f9a5285-4242-458b-9201-4217455ea23c";

const key = (permission: string, namespace: string): KnownKey => ({
  ...{ id: "k", permission, namespace, expiresAt: 10_000, budget: new Budget(1, 1) },
});
const keys = new Map([
  [keyHash("an-operators-key"), key("admin", "")],
  [keyHash("fl_reads"), key("read", "")],
  [keyHash("fl_of_one"), key("admin", NETWORK)],
]);

function accessAt(clock: { now: number }, role?: string, signUp: "open" | "closed" = "open") {
  const session: KnownSession = { userId: "u", userName: "ash", expiresAt: 10_000 };
  const cache = <V extends NonNullable<unknown>>(load: (key: string) => V | undefined) =>
    new LoadCache<V>({ max: 9, load: async (key) => load(key) });
  return new Access(
    {
      sessions: cache((key) => (key === keyHash(TOKEN) ? session : undefined)),
      namespaces: cache((id) =>
        id === NETWORK || id === "home" ? { id: NETWORK, name: "home" } : undefined,
      ),
      registered: cache((key) =>
        key === `${NETWORK}/s`
          ? { namespace: NETWORK, id: "s", dialect: "tenta", registeredAt: 0 }
          : undefined,
      ),
      roles: cache((key) => (key === `${NETWORK}/u` ? role : undefined)),
      keys: cache((key) => keys.get(key)),
    },
    () => clock.now,
    signUp,
  );
}

const asked = (who: "somebody" | "reader" | "editor" | "owner", network = NETWORK, sensor = "s") => ({
  ...{ who, query: new Map(), body: new Uint8Array(), address: "::1", host: "" },
  params: { network_identifier: network, sensor_identifier: sensor },
  authorization: `Bearer ${TOKEN}`,
});
const statusOf = (work: Promise<unknown>) =>
  work.then(
    () => 200,
    (error) => (error instanceof Refusal ? error.status : 500),
  );

describe("a session", () => {
  it("is good until it expires", async () => {
    const clock = { now: 9_999 };
    const access = accessAt(clock);
    expect(await access.user(`Bearer ${TOKEN}`)).toMatchObject({ userId: "u", tokenHash: keyHash(TOKEN) });
    clock.now = 10_000;
    expect(await statusOf(access.user(`Bearer ${TOKEN}`))).toBe(401);
  });

  it.each([
    ...[undefined, "", "Bearer", "Bearer ", TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN} more`],
    ...[`Bearer ${TOKEN}0`, `Bearer ${TOKEN.slice(1)}`, `Bearer ${"0".repeat(64)}`, `Bearer,${TOKEN}`],
  ])("is not in %j", async (header) => {
    expect(await statusOf(accessAt({ now: 0 }).user(header))).toBe(401);
  });

  it("may ask for much, and not for more", async () => {
    const access = accessAt({ now: 0 });
    const statuses = new Map<number, number>();
    for (let n = 0; n < limits.requestBurst + 10; n++) {
      const status = await statusOf(access.user(`bearer ${TOKEN}`));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(Object.fromEntries(statuses)).toEqual({ 200: limits.requestBurst, 429: 10 });
  });
});

describe("a role", () => {
  it.each([
    ["reader", [200, 403, 403]],
    ["editor", [200, 200, 403]],
    ["owner", [200, 200, 200]],
    ["no role that is known", [403, 403, 403]],
    [undefined, [403, 403, 403]],
  ])("of %s allows what those below it do", async (role, expected) => {
    const access = accessAt({ now: 0 }, role);
    const statuses = [];
    for (const who of ["reader", "editor", "owner"] as const) {
      statuses.push(await statusOf(access.inNetwork(asked(who))));
    }
    expect(statuses).toEqual(expected);
  });

  it("comes after what there is not; and a network is not asked for by its name", async () => {
    const access = accessAt({ now: 0 }, "none");
    expect(await statusOf(access.atSensor(asked("reader", NETWORK, "x")))).toBe(404);
    expect(await statusOf(access.atSensor(asked("reader", "x")))).toBe(404);
    expect(await statusOf(access.inNetwork(asked("reader", "home")))).toBe(404);
    expect(await statusOf(access.atSensor(asked("reader")))).toBe(403);
    expect(await statusOf(access.inNetwork(asked("somebody")))).toBe(403);
  });
});

describe("signing up", () => {
  const ways = [
    undefined,
    `Bearer ${TOKEN}`,
    "Bearer fl_reads",
    "Bearer fl_of_one",
    "Bearer an-operators-key",
  ];
  const asking = (access: Access) =>
    Promise.all(ways.map((authorization) => statusOf(access.maySignUp({ address: "::1", authorization }))));

  it("is anybody's where it is open, else of who shows an admin key of the installation", async () => {
    const clock = { now: 0 };
    expect(await asking(accessAt(clock))).toEqual([200, 200, 200, 200, 200]);
    expect(await asking(accessAt(clock, undefined, "closed"))).toEqual([403, 403, 403, 403, 200]);
    clock.now = 10_000;
    expect(await asking(accessAt(clock, undefined, "closed"))).toEqual([403, 403, 403, 403, 403]);
  });

  it("is counted by address, closed or not", async () => {
    const access = accessAt({ now: 0 }, undefined, "closed");
    for (let n = 0; n < limits.loginBurst; n++) access.mayLogIn("::1");
    expect(await asking(access)).toEqual([429, 429, 429, 429, 429]);
  });
});

describe("log-ins", () => {
  it("are counted by address, and by network where it is IPv6", () => {
    const clock = { now: 0 };
    const access = accessAt(clock);
    for (let n = 0; n < limits.loginBurst; n++) access.mayLogIn(`2001:db8:0:1::${n}`);
    expect(() => access.mayLogIn("2001:db8::1:0:0:0:7")).toThrow(Refusal);
    expect(() => access.mayLogIn("2001:db8:0:2::1")).not.toThrow();
    clock.now = 1_000 / limits.loginsPerSecond;
    expect(() => access.mayLogIn("2001:db8:0:1::1")).not.toThrow();
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["2001:0DB8::a:b", "2001:db8:0:0"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4"],
  ])("come from %s as from %s", (address, origin) => {
    expect(originOf(address)).toBe(origin);
  });
});
