import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StateError } from "../../state-file.js";
import { Registrations } from "./registrations.js";

const identity = { clientId: "6572938060890112", secret: "s", sensorId: "0" };
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldlog-sim-"));
  file = join(folder, "below", "default.json");
});
afterEach(() => rm(folder, { recursive: true }));

it("goes on with the same stations and message ids after a clean end", async () => {
  const first = await Registrations.load(file);
  first.set("S0001", identity);
  first.nextQuake = 17;
  expect([await first.nextMessageId("S0001"), await first.nextMessageId("S0001")]).toEqual([0, 1]);
  await first.close();
  const second = await Registrations.load(file);
  expect(second.get("S0001")).toMatchObject(identity);
  expect(second.nextQuake).toBe(17);
  expect(await second.nextMessageId("S0001")).toBe(2);
});

it("gives out no message id twice after a crash", async () => {
  const first = await Registrations.load(file);
  first.set("S0001", identity);
  let last = -1;
  for (let sent = 0; sent < 1_500; sent++) last = await first.nextMessageId("S0001");
  const second = await Registrations.load(file);
  expect(await second.nextMessageId("S0001")).toBeGreaterThan(last);
});

it("keeps what all of many savers at once wanted kept", async () => {
  const first = await Registrations.load(file);
  const names = Array.from({ length: 50 }, (_, index) => `S${index}`);
  await Promise.all(
    names.map(async (name) => {
      first.set(name, identity);
      await first.nextMessageId(name);
    }),
  );
  const second = await Registrations.load(file);
  for (const name of names) expect(await second.nextMessageId(name)).toBeGreaterThan(0);
});

it("lets nobody else read the secrets", async () => {
  const registrations = await Registrations.load(file);
  await registrations.save();
  expect((await stat(file)).mode & 0o077).toBe(0);
});

it("refuses a file that is not its own, and leaves it alone", async () => {
  const other = join(folder, "other.json");
  for (const text of ["{", '{"version":2}', '{"version":1,"stations":{"S0001":{"clientId":"1"}}}']) {
    await writeFile(other, text);
    await expect(Registrations.load(other)).rejects.toThrow(StateError);
    expect(await readFile(other, "utf8")).toBe(text);
  }
});
