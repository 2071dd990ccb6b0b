import { SIGNALS } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { publishedKind } from "../subscriptions/published.js";
import { groupName } from "../subscriptions/shared-feed.js";
import { SharedFeeds } from "../subscriptions/shared-feeds.js";
import { append, numbers, scene, TestClient, type TestEdge } from "./edge.fixture.js";

const { edge, namespace } = scene();
const goes = { publishWill: false };

describe("a shared subscription", () => {
  it("gives each message to one member, of any edge, and to another if that one goes or dies", async () => {
    const [one, two] = [await edge(), await edge()];
    const member = async ({ sessions }: TestEdge, clientId: string, acknowledges: boolean) => {
      const client = new TestClient();
      client.acknowledges = acknowledges;
      await client.connect(sessions, namespace(), { clientId, expiryS: 0, receiveMaximum: 5 });
      await client.subscribe("t/+", { share: "g" });
      return client;
    };
    const [a, b] = [await member(one, "a", true), await member(one, "b", true)];
    const c = await member(two, "c", true);
    for (const n of numbers(60)) await append(one.log, namespace(), "t/1", n);
    const all = () => [a, b, c].flatMap((each) => each.payloads);
    await until("all have come", () => all().length >= 60);
    expect(all().sort()).toEqual(numbers(60).sort());
    expect(Math.min(a.got.length, b.got.length, c.got.length)).toBeGreaterThan(0);

    // One that leaves without having acknowledged, and an edge that is killed.
    const d = await member(one, "d", false);
    const e = await member(two, "e", false);
    for (const n of numbers(60, 100)) await append(one.log, namespace(), "t/1", n);
    await until("they hold some", () => d.got.length > 0 && e.got.length > 0);
    await d.session.close(goes);
    await two.abandon();
    const rest = () => new Set([a, b].flatMap((each) => each.payloads.filter((n) => Number(n) >= 100)));
    const byC = new Set(c.payloads);
    const missing = () => numbers(60, 100).filter((n) => !rest().has(n) && !byC.has(n));
    await until("all have come", () => missing().length === 0);
  });

  it("keeps its place while all of its members are away", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("t", { share: "g" });
    await append(log, namespace(), "t", "0");
    await client.gets(1);
    await client.session.close(goes);
    for (const n of numbers(10, 1)) await append(log, namespace(), "t", n);
    const again = await new TestClient().connect(sessions, namespace());
    expect(await again.gets(10)).toEqual(numbers(10, 1));
    expect(await again.session.unsubscribe(["$share/g/t", "t"])).toEqual([true, false]);
  });

  it("of one who shares alone takes nothing from those of others under its name, nor they from it", async () => {
    const { log, sessions } = await edge();
    const member = async (clientId: string, principal: string, sharesAlone: boolean) => {
      const client = new TestClient();
      await client.connect(sessions, namespace(), { clientId, principal, sharesAlone });
      await client.subscribe("t", { share: "g" });
      return client;
    };
    const worker = await member("worker", "key:backend", false);
    const alone = [await member("a", "device:a", true), await member("b", "key:reader", true)];
    const own = await member("c", "device:a", true);
    for (const n of numbers(10)) await append(log, namespace(), "t", n);
    expect(await worker.gets(10)).toEqual(numbers(10));
    expect(await alone[1]?.gets(10)).toEqual(numbers(10));
    const both = () => [alone[0], own].flatMap((each) => each?.payloads ?? []);
    await until("all came", () => both().length >= 10);
    expect(both().sort()).toEqual(numbers(10));
    expect(await own.session.unsubscribe(["$share/g/t"])).toEqual([true]);
  });

  it("is forgotten once no session has it, and not before", async () => {
    const { log } = await edge();
    const shared = new SharedFeeds(log, publishedKind(new Map()), {
      warn: () => undefined,
      error: () => undefined,
    });
    const name = { namespace: namespace(), share: "g", filter: "t" };
    await shared.open(name, 0);
    const named = groupName(name);
    const isThere = async () => (await log.idleGroups(SIGNALS, named)).includes(named);
    for (let i = 0; i < 3; i++) await shared.deleteOthers(new Set([named]));
    await shared.deleteOthers(new Set());
    expect(await isThere()).toBe(true);
    await shared.deleteOthers(new Set());
    expect(await isThere()).toBe(false);
  });
});
