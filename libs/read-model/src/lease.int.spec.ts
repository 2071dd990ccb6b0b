import { setTimeout as delay } from "node:timers/promises";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type LeaseState, underLease } from "./lease.js";

let servers: TestServers & { postgres: NonNullable<TestServers["postgres"]> };
let url: string;
let working = 0;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  servers = await startServers({ ownPostgres: true });
  url = await servers.databaseUrl("lease");
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  expect(working).toBe(0);
});
afterAll(() => servers?.stop());

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

function candidate(name = "work", work = untilAborted) {
  const ending = new AbortController();
  const states: LeaseState[] = [];
  const told: (string | undefined)[] = [];
  const onChange = (state: LeaseState, reason?: string) => {
    if (states.at(-1) !== state) states.push(state);
    told.push(reason);
  };
  const running = underLease(
    { url, schema: "things", name, signal: ending.signal, onChange },
    async (signal) => {
      working++;
      try {
        await work(signal);
      } finally {
        working--;
      }
    },
  );
  const end = async () => {
    ending.abort();
    await running;
  };
  ends.push(end);
  return { end, states, told, state: () => states.at(-1) };
}

it("one works, the others stand by, and one takes over when the first ends", async () => {
  const first = candidate();
  await until("held", () => first.state() === "held");
  const second = candidate();
  await until("standby", () => second.state() === "standby");
  const other = candidate("other work");
  await until("held", () => other.state() === "held");
  expect(working).toBe(2);
  await first.end();
  await until("taken over", () => second.state() === "held");
  expect(working).toBe(2);
});

it("who loses the session stops working, and gets the lease again if nobody else has it", async () => {
  const only = candidate();
  await until("held", () => only.state() === "held");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'");
  await client.end();
  await until("again", () => only.states.length === 3);
  expect(only.states).toEqual(["held", "away", "held"]);
  expect(only.told[1]).toContain("terminating connection");
  expect(working).toBe(1);
});

it("work that fails is told and done again", async () => {
  let tries = 0;
  const failing = candidate("work", async (signal) => {
    if (tries++ === 0) throw new Error("not now");
    await untilAborted(signal);
  });
  await until("again", () => failing.states.length === 3);
  expect(failing.states).toEqual(["held", "away", "held"]);
  expect(failing.told[1]).toBe("not now");
});

it("waits for a Postgres that is away, at its start and later", async () => {
  await servers.postgres.kill();
  const early = candidate();
  await until("away", () => early.state() === "away");
  await servers.postgres.start();
  await until("held", () => early.state() === "held");
  await servers.postgres.kill();
  await until("away", () => early.state() === "away");
  expect(working).toBe(0);
  await servers.postgres.start();
  await until("held", () => early.state() === "held");
});

it("ends at once, whatever it waits for", async () => {
  const first = candidate();
  await until("held", () => first.state() === "held");
  const second = candidate();
  await until("standby", () => second.state() === "standby");
  for (const each of [second, first]) {
    const late = delay(20_000, "late", { ref: false });
    expect(await Promise.race([each.end().then(() => "ended"), late])).toBe("ended");
  }
});
