import { limits } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kept, type Replica, startPair, startReplica } from "./replica.fixture.js";
import { hashOf } from "./service/secret-hash.js";

let pair: Awaited<ReturnType<typeof startPair>>;
let one: Replica;
let two: Replica;
beforeAll(async () => {
  pair = await startPair();
  ({ one, two } = pair);
});
afterAll(() => pair?.stop());

const password = "a password of ash";
const check = (replica: Replica, token: string) => replica.client.checkSession({ tokenHash: hashOf(token) });
const logIn = (replica: Replica, name: string, text = password) =>
  replica.client.startSession({ name, password: text });
const unauthenticated = { code: "unauthenticated" };

describe("a user", () => {
  it("is created with a session that every replica knows at once", async () => {
    const before = Date.now();
    const { userId, token, expiresAt } = await one.client.createUser({ name: "ash", password });
    expect(userId).toMatch(/^[0-9a-f-]{36}$/);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(Number(expiresAt) - before).toBeGreaterThanOrEqual(limits.sessionMs);
    for (const replica of [two, one]) {
      expect(await check(replica, token)).toMatchObject({ userId, userName: "ash", expiresAt });
    }
  });

  it("has a name of its own: of several who ask at once one gets it, and logs in with that password", async () => {
    const asked = [one, two, one, two].map(async ({ client }, i) => {
      const text = `password ${i}`;
      return { text, ...(await client.createUser({ name: "contended", password: text })) };
    });
    const answers = await Promise.allSettled(asked);
    const [winner, ...others] = answers.flatMap((answer) =>
      answer.status === "fulfilled" ? [answer.value] : [],
    );
    expect(others).toEqual([]);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "already_exists" });
    }
    expect((await logIn(two, "contended", winner?.text)).userId).toBe(winner?.userId);
  });

  it.each([
    ["name", { name: "Ash", password }],
    ["password", { name: "ivy", password: "1234567" }],
  ])("is refused by the field that is wrong: %s", async (field, asked) => {
    await expect(one.client.createUser(asked)).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field },
    });
  });
});

describe("logging in", () => {
  it("starts another session each time, on any replica", async () => {
    const sessions = await Promise.all([one, two, one].map((replica) => logIn(replica, "ash")));
    expect(new Set(sessions.map(({ token }) => token)).size).toBe(3);
    expect(new Set(sessions.map(({ userId }) => userId)).size).toBe(1);
    for (const { token } of sessions) expect((await check(two, token)).userName).toBe("ash");
  });

  it.each(["nobody", "", "\u0000", "x".repeat(5_000)])(
    "as %j, who is not there, is not found",
    async (name) => {
      await expect(logIn(one, name)).rejects.toMatchObject({ code: "not_found" });
    },
  );

  it("with wrong passwords is refused, and after ten even with the right one, for that name and for a while", async () => {
    await one.client.createUser({ name: "guessed", password });
    const wrong = ["x", "x".repeat(300), ...Array.from({ length: 8 }, (_, i) => `a password of ${i}`)];
    for (const text of wrong) {
      await expect(logIn(one, "guessed", text)).rejects.toMatchObject(unauthenticated);
    }
    for (const text of ["another guess", password]) {
      await expect(logIn(one, "guessed", text)).rejects.toMatchObject({
        code: "resource_exhausted",
        details: { retryAfterS: expect.stringMatching(/^([1-9]\d?|[12]\d\d|300)$/) },
      });
    }
    await logIn(one, "ash");
  });

  it("with many wrong passwords at once tries ten", async () => {
    await two.client.createUser({ name: "hammered", password });
    const tries = Array.from({ length: 16 }, (_, i) => logIn(two, "hammered", `a wrong password ${i}`));
    const codes = (await Promise.allSettled(tries)).map(
      (answer) => answer.status === "rejected" && (answer.reason as { code?: string }).code,
    );
    expect(codes.filter((code) => code === "unauthenticated")).toHaveLength(10);
    expect(codes.filter((code) => code === "resource_exhausted")).toHaveLength(6);
  });

  it("of more than can wait is refused for a moment, and no other call has to wait for it", async () => {
    const { token } = await logIn(one, "ash");
    const tries = Array.from({ length: 40 }, () => logIn(one, "ash"));
    let hashing = true;
    const ended = Promise.allSettled(tries).finally(() => {
      hashing = false;
    });
    await check(one, token);
    expect(hashing).toBe(true);
    const refused = (await ended).flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused) {
      expect(["unavailable", "resource_exhausted"]).toContain(reason.code);
    }
  });

  it("is not tried for those who wait no more, and so is not counted", async () => {
    await two.client.createUser({ name: "hasty", password });
    const leaves = { deadlineMs: 1 };
    const tries = Array.from({ length: 20 }, () =>
      two.client.startSession({ name: "hasty", password: "a wrong password" }, leaves),
    );
    for (const { status } of await Promise.allSettled(tries)) expect(status).toBe("rejected");
    expect((await logIn(two, "hasty")).token).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a session", () => {
  it("that was ended is known no more, on no replica; asked twice, it succeeds twice", async () => {
    const { token } = await logIn(one, "ash");
    const other = await logIn(one, "ash");
    await one.client.endSession({ tokenHash: hashOf(token) });
    for (const replica of [two, one])
      await expect(check(replica, token)).rejects.toMatchObject(unauthenticated);
    await two.client.endSession({ tokenHash: hashOf(token) });
    await check(two, other.token);
  });

  it("that nobody started is not known", async () => {
    await expect(check(one, "0".repeat(64))).rejects.toMatchObject(unauthenticated);
    await expect(one.client.checkSession({ tokenHash: new Uint8Array(3) })).rejects.toMatchObject(
      unauthenticated,
    );
    await one.client.endSession({ tokenHash: hashOf("0".repeat(64)) });
    await one.client.endSession({ tokenHash: new Uint8Array(3) });
  });
});

it("neither the log nor the database nor a log line holds a password, its hash or a token", async () => {
  const { token } = await logIn(one, "ash");
  const texts = [one.logged(), two.logged(), await kept(pair.urls)];
  for (const text of texts) {
    for (const word of [password, "argon2id", token]) expect(text.includes(word)).toBe(false);
  }
});

it("users and sessions are there after a restart", async () => {
  const { token, userId } = await logIn(one, "ash");
  const anew = await startReplica({ ...pair.urls, postgresUrl: await pair.servers.databaseUrl("anew") });
  try {
    await until("ready", async () => (await anew.runtime.health.report()).ready);
    expect((await check(anew, token)).userId).toBe(userId);
    expect((await logIn(anew, "ash")).userId).toBe(userId);
  } finally {
    await anew.close();
  }
});
