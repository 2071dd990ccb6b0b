import { sequenceOf } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { decodeBatch } from "./batch.js";
import { QueueFull, SignalTooLarge } from "./errors.js";
import { type Batch, GroupCommit, type GroupCommitOptions } from "./group-commit.js";

/** A log whose commits are let through one by one by the test. */
function controlledLog(options: Partial<GroupCommitOptions> = {}) {
  const batches: (Batch & { finish(error?: Error): void })[] = [];
  let sequence = 0;
  const group = new GroupCommit(
    (batch) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error) => (error ? reject(error) : resolve(++sequence));
        batches.push({ ...batch, finish });
      }),
    options,
  );
  return { group, batches };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** An encoded Signal whose device is a text: field 1, length-delimited. */
const signal = (device: string) => Buffer.concat([Buffer.from([0x0a, device.length]), Buffer.from(device)]);

const devices = (batch: Batch | undefined) =>
  decodeBatch(batch?.data ?? new Uint8Array()).map((s) => s.device);

describe("group commit", () => {
  it("commits what arrived in one turn of the event loop together, in order", async () => {
    const { group, batches } = controlledLog();
    const positions = Promise.all(["a", "b", "c"].map((device) => group.append("test", signal(device))));
    await turn();
    expect(batches.map(devices)).toEqual([["a", "b", "c"]]);
    batches[0]?.finish();
    expect(await positions).toEqual([4096, 4097, 4098]);
  });

  it("keeps one commit of a namespace in flight; what arrives meanwhile is the next", async () => {
    const { group, batches } = controlledLog();
    const first = group.append("test", signal("a"));
    await turn();
    const rest = [group.append("test", signal("b")), group.append("test", signal("c"))];
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.finish();
    await first;
    await turn();
    expect(devices(batches[1])).toEqual(["b", "c"]);
    batches[1]?.finish();
    expect((await Promise.all(rest)).map(sequenceOf)).toEqual([2, 2]);
  });

  it("does not let one namespace wait for another", async () => {
    const { group, batches } = controlledLog();
    const appended = [group.append("a", signal("x")), group.append("b", signal("y"))];
    await turn();
    expect(batches.map((batch) => batch.namespace)).toEqual(["a", "b"]);
    for (const batch of batches) batch.finish();
    expect(await Promise.all(appended)).toEqual([4096, 8192]);
  });

  it("bounds a commit by count", async () => {
    const { group, batches } = controlledLog({ maxSignals: 2 });
    const appended = ["a", "b", "c"].map((device) => group.append("test", signal(device)));
    await turn();
    batches[0]?.finish();
    await turn();
    batches[1]?.finish();
    expect(batches.map(devices)).toEqual([["a", "b"], ["c"]]);
    expect(await Promise.all(appended)).toEqual([4096, 4097, 8192]);
  });

  it("bounds a commit by bytes as they stand in the batch", async () => {
    const { group, batches } = controlledLog({ maxBytes: 10 });
    const appended = ["a", "b", "c"].map((device) => group.append("test", signal(device)));
    await turn();
    batches[0]?.finish();
    await turn();
    batches[1]?.finish();
    await Promise.all(appended);
    expect(batches.map((batch) => batch.data.length)).toEqual([10, 5]);
  });

  it("tells every sender of a failed commit, and those who waited behind it, and goes on", async () => {
    const { group, batches } = controlledLog();
    const first = group.append("test", signal("a"));
    await turn();
    const behind = group.append("test", signal("b"));
    const settled = Promise.allSettled([first, behind]);
    batches[0]?.finish(new Error("down"));
    expect((await settled).map((result) => result.status)).toEqual(["rejected", "rejected"]);
    expect(group.pending).toBe(0);
    const later = group.append("test", signal("c"));
    await turn();
    batches[1]?.finish();
    expect(await later).toBe(4096);
  });

  it("refuses when too many signals wait, and takes them again afterwards", async () => {
    const { group, batches } = controlledLog({ maxQueuedSignals: 1 });
    const first = group.append("test", signal("a"));
    await turn();
    const second = group.append("test", signal("b"));
    await expect(group.append("test", signal("c"))).rejects.toBeInstanceOf(QueueFull);
    batches[0]?.finish();
    await turn();
    const third = group.append("test", signal("d"));
    batches[1]?.finish();
    await turn();
    batches[2]?.finish();
    expect(await Promise.all([first, second, third])).toEqual([4096, 8192, 12288]);
  });

  it("refuses when too many bytes wait", async () => {
    const { group, batches } = controlledLog({ maxQueuedBytes: 4 });
    const first = group.append("test", signal("a"));
    await expect(group.append("test", signal("b"))).rejects.toEqual(new QueueFull("test", 1, 3));
    await turn();
    batches[0]?.finish();
    expect(await first).toBe(4096);
  });

  it("refuses a signal that is too large, without disturbing others", async () => {
    const { group, batches } = controlledLog();
    await expect(group.append("test", new Uint8Array(256 * 1024 + 1))).rejects.toEqual(
      new SignalTooLarge(262_145, 262_144),
    );
    expect(batches).toHaveLength(0);
  });

  it("hands on the traces of the traced signals only", async () => {
    const { group, batches } = controlledLog();
    const appended = [group.append("test", signal("a")), group.append("test", signal("b"), "00-aa-bb-01")];
    await turn();
    expect(batches[0]?.traceParents).toEqual(["00-aa-bb-01"]);
    batches[0]?.finish();
    await Promise.all(appended);
  });

  it("reports each commit's outcome", async () => {
    const outcomes: { count: number; ok: boolean }[] = [];
    const { group, batches } = controlledLog({ onCommit: ({ count, ok }) => outcomes.push({ count, ok }) });
    const good = group.append("test", signal("a"));
    await turn();
    batches[0]?.finish();
    await good;
    const bad = group.append("test", signal("a"));
    await turn();
    batches[1]?.finish(new Error("down"));
    await expect(bad).rejects.toThrow("down");
    await turn();
    expect(outcomes).toEqual([
      { count: 1, ok: true },
      { count: 1, ok: false },
    ]);
  });
});
