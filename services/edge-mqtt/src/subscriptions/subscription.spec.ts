import { describe, expect, it } from "vitest";
import { type Subscription, termsOf } from "./subscription.js";

const subscription = (more: Partial<Subscription> = {}): Subscription => ({
  filter: "#",
  share: undefined,
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  id: undefined,
  after: 100,
  ...more,
});
const message = { position: 101, qos: 1, retain: true, clientId: "publisher" } as const;
const terms = (subscriptions: Subscription[], more: Partial<typeof message> = {}, clientId = "me") =>
  termsOf(subscriptions, { ...message, ...more } as typeof message, clientId);

describe("the terms of a delivery", () => {
  it("have the lesser of published and granted QoS", () => {
    for (const published of [0, 1, 2] as const) {
      for (const granted of [0, 1, 2] as const) {
        const found = terms([subscription({ qos: granted })], { qos: published as 1 });
        expect(found?.qos).toBe(Math.min(published, granted));
      }
    }
  });

  it("are one for overlapping subscriptions: the highest QoS, each identifier once", () => {
    const found = terms([
      subscription({ qos: 0, id: 7 }),
      subscription({ qos: 1, id: 9 }),
      subscription({ id: 7 }),
      subscription(),
    ]);
    expect(found).toEqual({ qos: 1, retain: false, subscriptionIds: [7, 9] });
  });

  it("are none for a client's own messages where it asks for no local ones", () => {
    expect(terms([subscription({ noLocal: true })], {}, "publisher")).toBeUndefined();
    expect(terms([subscription({ noLocal: true })])).toBeDefined();
    const both = [subscription({ noLocal: true, qos: 1, id: 1 }), subscription({ qos: 0, id: 2 })];
    expect(terms(both, {}, "publisher")).toEqual({ qos: 0, retain: false, subscriptionIds: [2] });
  });

  it("keep the retain flag only where that is asked for", () => {
    expect(terms([subscription()])?.retain).toBe(false);
    expect(terms([subscription({ retainAsPublished: true })])?.retain).toBe(true);
    expect(terms([subscription({ retainAsPublished: true })], { retain: false as true })?.retain).toBe(false);
  });

  it("are none for what came before the subscription", () => {
    expect(terms([subscription({ after: 101 })])).toBeUndefined();
    expect(terms([subscription({ after: 101, id: 1 }), subscription({ id: 2 })])?.subscriptionIds).toEqual([
      2,
    ]);
  });
});
