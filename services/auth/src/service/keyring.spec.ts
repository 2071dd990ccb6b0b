import { type Sealed, SealingKey, WrongInstallationKey } from "@fieldlog/sealing";
import { expect, test } from "vitest";
import { Keyring } from "./keyring.js";

const installation = new SealingKey(new Uint8Array(32).fill(1));
const secret = Buffer.from("secret");

function ring(limit = 10, key = installation) {
  const dataKeys = new Map<string, Sealed>();
  const loads: string[] = [];
  const load = async (id: string) => {
    loads.push(id);
    const dataKey = dataKeys.get(id);
    if (!dataKey) throw new Error(`no namespace ${id}`);
    return { id, dataKey };
  };
  const keyring = new Keyring(key, load, limit);
  for (const id of ["a", "b", "c"]) dataKeys.set(id, new Keyring(installation, load, 1).create(id));
  return { keyring, loads, dataKeys };
}

test("what a namespace sealed it opens, and another does not", async () => {
  const { keyring } = ring();
  const box = await keyring.seal("a", secret, "here");
  expect(await keyring.unseal("a", box, "here")).toEqual(secret);
  await expect(keyring.unseal("b", box, "here")).rejects.toThrow("sealed by the key");
});

test("a data key is loaded once while it is in use, and at most so many are held", async () => {
  const { keyring, loads } = ring(2);
  for (const id of ["a", "b", "a", "b", "c", "b", "a"]) await keyring.seal(id, secret, "here");
  expect(loads).toEqual(["a", "b", "c", "a"]);
});

test("what could not be loaded is asked for again", async () => {
  const { keyring, dataKeys } = ring();
  await expect(keyring.seal("d", secret, "here")).rejects.toThrow("no namespace d");
  dataKeys.set("d", keyring.create("d"));
  await keyring.seal("d", secret, "here");
});

test("another installation's key opens nothing, and says which setting to look at", async () => {
  const { keyring, dataKeys } = ring(10, new SealingKey(new Uint8Array(32).fill(2)));
  await expect(keyring.seal("a", secret, "here")).rejects.toThrow(WrongInstallationKey);
  expect(() => keyring.check({ id: "a", dataKey: dataKeys.get("a") as Sealed })).toThrow(
    "the installation key does not open this log's keys",
  );
});

test("a data key that was moved to another namespace does not open", () => {
  const { keyring, dataKeys } = ring();
  expect(() => keyring.check({ id: "b", dataKey: dataKeys.get("a") as Sealed })).toThrow(
    WrongInstallationKey,
  );
});

test("what the installation sealed for itself it opens, in its place", () => {
  const { keyring } = ring();
  const box = keyring.sealOwn(secret, "here");
  expect(keyring.unsealOwn(box, "here")).toEqual(secret);
  expect(() => keyring.unsealOwn(box, "there")).toThrow("not what was sealed for there");
});
