import { create } from "@bufbuild/protobuf";
import { auth, devices, provisioning } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { afterEach, expect, it, vi } from "vitest";
import { createKnown, type KnownFrom } from "./known.js";

afterEach(() => vi.restoreAllMocks());

it("what is known of a device is asked for again after ten minutes, and believed on while nobody answers", async () => {
  let isAway = false;
  const unless = <T>(answer: T) => {
    if (isAway) throw new RpcError("unavailable", "away");
    return answer;
  };
  const token = { namespace: "n", device: "d", expiresAt: 10n ** 15n };
  const answers = {
    findMqttPassword: async () => unless(create(auth.FindMqttPasswordResponseSchema, { namespace: "n" })),
    getDeviceCredential: async () => unless(create(auth.GetDeviceCredentialResponseSchema, { secret: "s" })),
    getDevice: async () => unless(create(devices.GetDeviceResponseSchema, { device: {} })),
    checkConnectionToken: async () => unless(create(provisioning.CheckConnectionTokenResponseSchema, token)),
  };
  const known = createKnown(
    { auth: answers, devices: answers, provisioning: answers } as object as KnownFrom,
    Date.now,
  );
  const caches = [known.devices, known.passwords, known.signers, known.registered, known.connections];
  const found = () => Promise.all(caches.map((cache) => cache.get("n/d")));
  const now = performance.now.bind(performance);
  let later = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + later);
  const pass = async (minutes: number) => {
    later += minutes * 60_000;
    // The cache looks at the clock once in a millisecond.
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const before = await found();
  const isSame = async () => (await found()).map((each, at) => each === before[at]);
  const all = <T>(what: T) => before.map(() => what);
  isAway = true;
  for (const minutes of [9, 2, 2]) {
    await pass(minutes);
    expect(await isSame()).toEqual(all(true));
  }
  isAway = false;
  expect(await isSame()).toEqual(all(true));
  await pass(1);
  expect(await isSame()).toEqual(all(false));
});
