import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { type Decider, fold, InvalidField, type RegistryEvent } from "@fieldlog/decider";
import { parseFilter } from "@fieldlog/filters";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NoWebhook, UnknownSubscription } from "./refusals.js";
import {
  checkNew,
  createSubscription,
  disableSubscription,
  enableSubscription,
  type NewSubscription,
  removeSubscription,
  rotateSecret,
  type Subscription,
  subscription,
} from "./subscription.js";

const secretOf = (text: string) => ({
  ...{ keyId: "k", nonce: new Uint8Array(12), ciphertext: Buffer.from(text) },
});
const poll: NewSubscription = {
  ...{ filters: [parseFilter({ names: ["Light"] })], name: "n", owner: "key:1", delivery: "poll" },
};
const hook: NewSubscription = {
  ...{ ...poll, delivery: "webhook", after: 4_095 },
  webhook: { url: "https://hooks.example/x", batch: 10 },
};

/** After what the decisions led to, one after another. */
function after(
  state: Subscription,
  ...decide: ((state: Subscription) => { events: readonly RegistryEvent[] })[]
) {
  let snapshot = { state, sequence: 0 };
  for (const each of decide) {
    const { events } = each(snapshot.state);
    const decision = create(registry.DecisionSchema, { events: [...events], decidedAt: 7n });
    snapshot = fold(subscription as Decider<Subscription>, snapshot, snapshot.sequence + 1, decision);
  }
  return snapshot.state;
}

const none = subscription.initial;
const made = (asked: NewSubscription) => createSubscription(asked, asked.webhook && secretOf("one"));

describe("a subscription", () => {
  it("is what was asked for", () => {
    expect(after(none, made(poll))).toMatchObject({
      ...{ phase: "active", name: "n", owner: "key:1", delivery: "poll", createdAt: 7 },
      filters: [{ names: ["Light"] }],
    });
    expect(after(none, made(hook))).toMatchObject({
      ...{ after: 4_095, webhook: { url: "https://hooks.example/x", batch: 10 } },
    });
  });

  it("that is made, removed, disabled or enabled again does not change", () => {
    const one = after(none, made(hook));
    expect(made(poll)(one).events).toEqual([]);
    expect(enableSubscription(one).events).toEqual([]);
    const off = after(one, disableSubscription("gone"));
    expect(off).toMatchObject({ disabled: "gone" });
    expect(disableSubscription("again")(off).events).toEqual([]);
    expect(after(off, enableSubscription)).toEqual({ ...one, granted: expect.anything() });
    const gone = after(one, removeSubscription);
    expect(removeSubscription(gone).events).toEqual([]);
    expect(after(gone, made(poll))).toEqual({ phase: "removed" });
  });

  it("is its owner's to answer for, until somebody enables it; what was decided for the one before does nothing then", () => {
    const decidedBy = (
      by: string,
      sequence: number,
      state: Subscription,
      { events }: { events: readonly RegistryEvent[] },
    ) =>
      fold(
        subscription,
        { state, sequence: 0 },
        sequence,
        create(registry.DecisionSchema, { events: [...events], decidedBy: by }),
      ).state;
    const one = decidedBy("key:9", 3, none, made(hook)(none));
    expect(one).toMatchObject({ granted: { by: "key:1", sequence: 3 } });
    const withdraw = disableSubscription("its API key was revoked", { by: "key:1", sequence: 3 });
    const off = decidedBy("system", 5, one, withdraw(one));
    expect(off).toMatchObject({ disabled: "its API key was revoked" });
    const again = decidedBy("key:2", 6, off, enableSubscription(off));
    expect(again).toMatchObject({ owner: "key:1", granted: { by: "key:2", sequence: 6 } });
    expect(withdraw(again).events).toEqual([]);
  });

  it("has two secrets while the one before is still good", () => {
    const one = after(none, made(hook));
    const two = after(one, rotateSecret(secretOf("two"), 99));
    expect(two).toMatchObject({
      webhook: {
        secret: { ciphertext: Buffer.from("two") },
        previous: { secret: { ciphertext: Buffer.from("one") }, until: 99 },
      },
    });
    expect(() => rotateSecret(secretOf("x"), 1)(after(none, made(poll)))).toThrow(NoWebhook);
  });

  it("that is not there, or not any more, is unknown", () => {
    const gone = after(none, made(poll), removeSubscription);
    for (const decide of [disableSubscription("x"), enableSubscription, rotateSecret(secretOf("x"), 1)]) {
      expect(() => decide(none)).toThrow(UnknownSubscription);
      expect(() => decide(gone)).toThrow(UnknownSubscription);
    }
    expect(() => removeSubscription(none)).toThrow(UnknownSubscription);
  });

  it("is disabled or not as was decided last, and keeps all else", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("disable", "enable", "rotate"), { maxLength: 12 }), (words) => {
        const steps = words.map((word) => {
          if (word === "disable") return disableSubscription("why");
          return word === "enable" ? enableSubscription : rotateSecret(secretOf("new"), 5);
        });
        const end = after(none, made(hook), ...steps);
        const last = words.findLast((word) => word !== "rotate");
        expect(end).toMatchObject({
          ...{ phase: "active", createdAt: 7, webhook: { url: "https://hooks.example/x", batch: 10 } },
        });
        expect("disabled" in end).toBe(last === "disable");
      }),
    );
  });
});

describe("what is refused", () => {
  it.each([
    ["filters", { filters: [] }],
    ["filters", { filters: Array(limits.filtersPerSubscription + 1).fill(parseFilter({})) }],
    ["name", { name: "x".repeat(limits.textLength + 1) }],
    ["owner", { owner: "" }],
    ["owner", { owner: "somebody" }],
    ["delivery", { delivery: "pigeon" }],
    ["webhook", { webhook: { url: "https://hooks.example/", batch: 1 } }],
    ["webhook", { delivery: "webhook" }],
    ["webhook.url", { delivery: "webhook", webhook: { url: "ftp://hooks.example/", batch: 1 } }],
    ["webhook.url", { delivery: "webhook", webhook: { url: "https://u:p@hooks.example/", batch: 1 } }],
    ["webhook.url", { delivery: "webhook", webhook: { url: "nothing", batch: 1 } }],
    ["webhook.batch", { delivery: "webhook", webhook: { url: "https://hooks.example/", batch: 101 } }],
  ])("is told by its field: %s", (field, change) => {
    let refused: unknown;
    try {
      checkNew({ ...poll, ...change });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(InvalidField);
    expect((refused as InvalidField).field).toBe(field);
  });
});
