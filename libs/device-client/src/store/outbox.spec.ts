import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FullPolicy, Outcome } from "./outbox.js";
import { sizeOf } from "./outbox.js";
import { Store } from "./store.js";

const ONE = sizeOf("t", Buffer.alloc(10));

describe("the store", () => {
  let dir: string;
  const stores: Store[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "fieldlog-store-"));
  });
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
    rmSync(dir, { recursive: true });
  });
  const outcomes: Outcome[] = [];
  const open = (policy: FullPolicy = "refuse", maxBytes = 10 * ONE) => {
    const store = Store.open(join(dir, "store.db"), { maxBytes, policy }, (told) => outcomes.push(told));
    stores.push(store);
    return store;
  };
  const add = (store: Store) =>
    store.write(() => store.outbox.add({ kind: "stream", topic: "t", payload: Buffer.alloc(10) }));
  const ids = (store: Store) => store.outbox.read(0, 100, 10_000).map(({ id }) => id);

  it("gives out in order, and counts what waits, also after the next start", async () => {
    const store = open();
    await Promise.all([add(store), add(store), add(store)]);
    await store.write(() => store.outbox.remove(1));
    stores.pop()?.close();
    const again = open();
    expect([ids(again), again.outbox.totals]).toEqual([[2, 3], { messages: 2, bytes: 2 * ONE, dropped: 0 }]);
    expect(again.outbox.read(2, 100, 1)).toMatchObject([{ id: 3, kind: "stream", topic: "t" }]);
  });

  it("never gives an identity twice, although ids begin anew", async () => {
    const identity = async () => {
      const store = open();
      await add(store);
      const [row] = store.outbox.read(0, 1, 1);
      await store.write(() => store.outbox.remove(row?.id ?? 0));
      stores.pop()?.close();
      return row;
    };
    const [one, two] = [await identity(), await identity()];
    expect(one?.id).toBe(two?.id);
    expect(one?.identity).not.toBe(two?.identity);
  });

  it("refuses what does not fit, and takes the rest of the same turn", async () => {
    const store = open("refuse", 2 * ONE + 1);
    const outcomes = await Promise.allSettled([add(store), add(store), add(store)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    await expect(add(store)).rejects.toMatchObject({ code: "outbox-full", maxBytes: 2 * ONE + 1 });
    expect(ids(store)).toEqual([1, 2]);
  });

  it("drops the oldest for newer ones, as many as needed and no more", async () => {
    const store = open("drop-oldest", 3 * ONE);
    for (let i = 0; i < 5; i++) await add(store);
    expect([ids(store), store.outbox.totals.messages]).toEqual([[3, 4, 5], 3]);
    expect(await add(store)).toBe(6);
    expect(outcomes.at(-1)).toEqual({ added: true, dropped: 1, droppedThrough: 3 });
    const tooLarge = { kind: "stream", topic: "t", payload: Buffer.alloc(4 * ONE) } as const;
    await expect(store.write(() => store.outbox.add(tooLarge))).rejects.toMatchObject({
      code: "outbox-full",
    });
    // What was acknowledged after it had given way is not counted out again.
    await store.write(() => store.outbox.remove(4));
    expect(store.outbox.totals).toEqual({ messages: 2, bytes: 2 * ONE, dropped: 3 });
  });

  it("holds up who asks for much without waiting: what is not written yet stays little", async () => {
    const store = open("refuse", 10_000 * ONE);
    const added = Array.from({ length: 3_000 }, () => add(store));
    // In the same turn.
    expect(store.outbox.read(2_047, 1, 1)).toMatchObject([{ id: 2_048 }]);
    const large = { kind: "stream", topic: "t", payload: Buffer.alloc(10) } as const;
    added.push(store.write(() => store.outbox.add(large), 2 * 1024 * 1024));
    expect(store.outbox.read(3_000, 1, 1)).toMatchObject([{ id: 3_001 }]);
    expect(await Promise.all(added)).toEqual(Array.from({ length: 3_001 }, (_, i) => i + 1));
  });

  it("is its process's alone, and its owner's", () => {
    open();
    expect(() => open()).toThrow(expect.objectContaining({ code: "store-in-use" }));
    expect(statSync(join(dir, "store.db")).mode & 0o777).toBe(0o600);
  });

  it("takes nothing when it is closed, having written all that it was given", async () => {
    const store = open();
    const added = add(store);
    stores.pop()?.close();
    await expect(added).resolves.toBe(1);
    await expect(add(store)).rejects.toMatchObject({ code: "closed" });
    expect(ids(open())).toEqual([1]);
  });
});
