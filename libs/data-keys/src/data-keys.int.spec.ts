import { randomUUID } from "node:crypto";
import { DEVICE_KEYS, SAMPLE_KEYS, STREAM_KEYS } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { InstallationKeys, type ResealPage, WrongInstallationKey } from "@fieldlog/sealing";
import { startServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataKeys } from "./data-keys.js";

const [old, next] = [7, 8].map((byte) => Buffer.alloc(32, byte).toString("base64")) as [string, string];
const [OLD, NEW] = [old, next].map((key) => new InstallationKeys(key).sealing.id) as [string, string];

let servers: Awaited<ReturnType<typeof startServers>>;
let log: EventLog;
beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

describe.each([DEVICE_KEYS, SAMPLE_KEYS, STREAM_KEYS] as const)("the keys in %s", (bucket) => {
  const open = (setting: string) =>
    DataKeys.open(log.connection, { bucket, replicas: 1, sealing: new InstallationKeys(setting).sealing });
  const devices = Array.from({ length: 20 }, (_, i) => `device-${i}`);
  const everywhere = randomUUID();

  /** All pages, summed up. */
  async function reseal(
    keys: DataKeys,
    { limit = 6, check = false } = {},
  ): Promise<Omit<ResealPage, "next">> {
    const sum = { found: {} as Record<string, number>, resealed: 0 };
    let after = "";
    do {
      const page = await keys.reseal({ after, limit, check, decidedBy: "test" });
      for (const [key, n] of Object.entries(page.found)) sum.found[key] = (sum.found[key] ?? 0) + n;
      sum.resealed += page.resealed;
      after = page.next;
    } while (after !== "");
    return sum;
  }

  it("are sealed anew, some at a time, and stay what they are; then the old key is not needed any more", async () => {
    const before = await open(old);
    const made = await Promise.all(devices.map((device) => before.get(everywhere, device)));
    await before.destroy(everywhere, "gone");
    const both = await open(`${next},${old}`);
    expect(await reseal(both, { check: true })).toEqual({ found: { [OLD]: 20 }, resealed: 0 });
    await expect(open(next)).rejects.toThrow(WrongInstallationKey);
    expect(await both.reseal({ after: "", limit: 6, check: false, decidedBy: "test" })).toMatchObject({
      resealed: expect.toSatisfy((n: number) => n === 5 || n === 6),
    });
    // It was broken off: a start without the old key is refused still, and whoever asks again gets done.
    await expect(open(next)).rejects.toThrow("FIELDLOG_INSTALLATION_KEY");
    await both.get(everywhere, "made meanwhile");
    await reseal(both);
    expect(await reseal(both, { check: true })).toEqual({ found: { [NEW]: 21 }, resealed: 0 });
    expect((await reseal(both)).resealed).toBe(0);
    const after = await open(next);
    expect(await Promise.all(devices.map((device) => after.find(everywhere, device)))).toEqual(
      made.map((key) => Buffer.from(key)),
    );
    await expect(after.get(everywhere, "gone")).rejects.toThrow("erased");
    await expect(open(old)).rejects.toThrow(WrongInstallationKey);
    await expect(before.find(everywhere, "device-1")).rejects.toThrow("sealed by the key");
  });

  it("are sealed anew by several at once, each key once", async () => {
    const both = await open(`${old},${next}`);
    const pages = await Promise.all([reseal(both), reseal(both), reseal(await open(`${old},${next}`))]);
    expect(pages.reduce((sum, { resealed }) => sum + resealed, 0)).toBe(21);
    expect((await reseal(both, { check: true })).found).toEqual({ [OLD]: 21 });
  });

  it("that nobody's key opens are left, counted, and in nobody's way", async () => {
    const other = Buffer.alloc(32, 9).toString("base64");
    const lost = await open(`${other},${old}`);
    await lost.get(everywhere, "by a third key");
    const both = await open(`${next},${old}`);
    expect((await reseal(both)).resealed).toBe(21);
    expect((await reseal(both, { check: true })).found).toEqual({
      [NEW]: 21,
      [new InstallationKeys(other).sealing.id]: 1,
    });
    await expect(open(next)).rejects.toThrow(WrongInstallationKey);
    await both.destroy(everywhere, "by a third key");
  });

  it("that are to be forgotten go, also when they were sealed anew meanwhile", async () => {
    const keys = await open(`${next},${old}`);
    const held = await keys.ofNamespace(everywhere);
    await reseal(await open(`${old},${next}`));
    await keys.destroy(everywhere, "device-0");
    for (const key of held) await keys.forget(key);
    expect(await keys.ofNamespace(everywhere)).toMatchObject([{ device: "device-0", kept: "erased" }]);
  });
});
