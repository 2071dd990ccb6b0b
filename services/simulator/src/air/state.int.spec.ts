import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDir } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { StateError } from "../state-file.js";
import { AirState } from "./state.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryDir();
});
afterAll(() => rm(dir, { recursive: true }));

it("is a new user with a password of its own where there is no file", async () => {
  const one = await AirState.load(join(dir, "none.json"));
  const other = await AirState.load(join(dir, "none.json"));
  expect(one.user.name).toMatch(/^[a-z0-9](-?[a-z0-9])*$/);
  expect(one.user.password.length).toBeGreaterThanOrEqual(32);
  expect(one.user).not.toEqual(other.user);
});

it("is what was saved, in a file that only its owner reads", async () => {
  const file = join(dir, "deep", "air.json");
  const state = await AirState.load(file);
  state.network = { id: "81bf7042-e20f-4a97-ac44-c15853e3618f", name: "seattle-air" };
  state.setSensor("alki-point", { id: "1f705cc5-4242-458b-9201-4217455ea23c", secret: "s" });
  state.replay = 12.5;
  await state.save();
  const again = await AirState.load(file);
  expect([again.user, again.network, again.sensor("alki-point"), again.replay]).toEqual([
    state.user,
    state.network,
    state.sensor("alki-point"),
    12.5,
  ]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  again.beginAnew();
  expect([again.network, again.sensor("alki-point")]).toEqual([undefined, undefined]);
});

it("is not taken from a file that is something else", async () => {
  const file = join(dir, "other.json");
  for (const text of ["{", "null", '{"version":2}', '{"version":1,"user":{"name":"a"},"sensors":{}}']) {
    await writeFile(file, text);
    await expect(AirState.load(file), text).rejects.toThrow(StateError);
  }
});
