import { LogUnavailable } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import { LazyWrites } from "./lazy-writes.js";
import type { SessionRecord } from "./record.js";
import { RecordWriter } from "./record-writer.js";
import { RecordConflict } from "./store.js";

/** A store whose writes end when the test says so. */
function scene() {
  const writes: { cursor: number; revision: number; end: (error?: Error) => void }[] = [];
  const conflicts: number[] = [];
  const state = { cursor: 0 };
  /** What is stored. */
  const found = { owner: "other", revision: 9 };
  const writer = new RecordWriter({
    store: {
      get: async (key) => ({
        ...key,
        record: { owner: found.owner } as SessionRecord,
        revision: found.revision,
      }),
      write: (_key, { cursor }, revision) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error) => (error ? reject(error) : resolve(revision + 1));
          writes.push({ cursor, revision, end });
        }),
    },
    lazy: new LazyWrites(),
    key: { namespace: "n", clientId: "c" },
    revision: 5,
    owner: "own",
    snapshot: () => ({ cursor: state.cursor }) as SessionRecord,
    onConflict: () => conflicts.push(1),
  });
  return { writes, conflicts, state, found, writer };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("the writer of a record", () => {
  it("has one write under way, and lets what changes meanwhile go with the next", async () => {
    const { writes, state, writer } = scene();
    const saved: number[] = [];
    for (let i = 1; i <= 4; i++) {
      state.cursor = i;
      void writer.save().then(() => saved.push(i));
    }
    await turn();
    expect(writes.map(({ cursor, revision }) => [cursor, revision])).toEqual([[1, 5]]);
    writes[0]?.end();
    await turn();
    expect(saved).toEqual([1]);
    expect(writes.map(({ cursor, revision }) => [cursor, revision])).toEqual([
      [1, 5],
      [4, 6],
    ]);
    writes[1]?.end();
    await turn();
    expect(saved).toEqual([1, 2, 3, 4]);
  });

  it("can be asked again after the log was away", async () => {
    const { writes, writer } = scene();
    const first = writer.save();
    const second = writer.save();
    writes[0]?.end(new LogUnavailable("away"));
    await expect(first).rejects.toBeInstanceOf(LogUnavailable);
    await turn();
    expect(writes.map((each) => each.revision)).toEqual([5, 5]);
    writes[1]?.end();
    await second;
  });

  it("gives up when another has the session, and says so once", async () => {
    const { writes, conflicts, writer } = scene();
    const all = Promise.allSettled([writer.save(), writer.save(), writer.save()]);
    writes[0]?.end(new RecordConflict());
    expect((await all).every((each) => each.status === "rejected")).toBe(true);
    expect(writes).toHaveLength(1);
    expect(conflicts).toEqual([1]);
  });

  it("goes on from a write of its own of which it did not learn that it was stored", async () => {
    const { writes, conflicts, found, writer } = scene();
    const lost = writer.save();
    writes[0]?.end(new LogUnavailable("no answer came"));
    await expect(lost).rejects.toBeInstanceOf(LogUnavailable);
    Object.assign(found, { owner: "own", revision: 5 });
    const early = writer.save();
    writes[1]?.end(new RecordConflict());
    await expect(early).rejects.toBeInstanceOf(LogUnavailable);
    found.revision = 6;
    const saved = writer.save();
    writes[2]?.end(new RecordConflict());
    await turn();
    writes[3]?.end();
    await saved;
    expect(writes.map(({ revision }) => revision)).toEqual([5, 5, 5, 6]);
    const ended = writer.end(async (revision) => {
      if (revision === 7) Object.assign(found, { revision: 8 });
      if (revision === 7) throw new RecordConflict();
      return revision + 1;
    });
    expect(await ended).toBe(9);
    expect(conflicts).toEqual([]);
  });

  it("ends with a last write after what is under way, and writes no more", async () => {
    const { writes, writer } = scene();
    void writer.save();
    const done = writer.end(async (revision) => revision + 10);
    writes[0]?.end();
    expect(await done).toBe(16);
    await expect(writer.save()).rejects.toBeInstanceOf(RecordConflict);
    expect(writes).toHaveLength(1);
  });

  it("ends without a last write where another has the session", async () => {
    const { writes, writer } = scene();
    void writer.save().catch(() => undefined);
    const done = writer.end(() => expect.unreachable());
    writes[0]?.end(new RecordConflict());
    await expect(done).rejects.toBeInstanceOf(RecordConflict);
  });
});
