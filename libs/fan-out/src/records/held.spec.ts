import { LogUnavailable, RecordConflict } from "@fieldlog/event-log";
import { expect, it } from "vitest";
import { Held } from "./held.js";
import { type CursorRecord, taken } from "./record.js";
import type { StoredCursor } from "./store.js";

const key = { namespace: "n", id: "s" };
const by = (holder: string) => taken(undefined, { holder, via: "webhook", startAfter: 0 }, 0);

/** A store of one record, whose answers the test may keep back. */
function scene() {
  let stored: StoredCursor = { ...key, record: by("one"), revision: 1 };
  const answers: ("none" | "lost")[] = [];
  const store = {
    get: async () => stored,
    write: async (_: typeof key, record: CursorRecord, revision: number) => {
      const answer = answers.shift();
      if (answer === "none") throw new LogUnavailable("away");
      if (revision !== stored.revision) throw new RecordConflict();
      stored = { ...key, record, revision: revision + 1 };
      if (answer === "lost") throw new LogUnavailable("no answer came");
      return stored.revision;
    },
  };
  const ended: Held[] = [];
  const onEnd = (held: Held) => ended.push(held);
  const held = new Held({ store, key, now: () => 0, beats: false, onEnd }, stored);
  const take = (holder: string) => {
    stored = { ...key, record: by(holder), revision: stored.revision + 1 };
  };
  return { held, answers, ended, take, stored: () => stored.record };
}

it("is released once that can be written, however often it cannot", async () => {
  const { held, answers, ended, stored } = scene();
  held.acknowledge(7, 1);
  answers.push("none", "none", "lost");
  await held.release();
  expect([stored().connected, ended.length]).toEqual([true, 0]);
  await held.tick();
  expect(stored()).toMatchObject({ connected: false, position: 7 });
  await held.tick();
  await held.tick();
  expect(ended).toEqual([held]);
});

it("is not released any more where another has it", async () => {
  const { held, answers, ended, take, stored } = scene();
  held.onLost(() => expect.unreachable());
  answers.push("none", "none");
  await held.release();
  take("other");
  await held.tick();
  await held.tick();
  expect(stored()).toMatchObject({ connected: true, holder: "other" });
  expect(ended).toContain(held);
});
