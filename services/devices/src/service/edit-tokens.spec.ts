import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { Capabilities } from "@fieldlog/sealing";
import { expect, test } from "vitest";
import { UnknownDevice, UnknownToken } from "../decisions/refusals.js";
import { EditTokens } from "./edit-tokens.js";

const key = Buffer.alloc(32, 7);
const known = new Set(["test/1", "test/2", "other/1"]);
const aggregates = {
  current: async (_: unknown, { namespace, id }: { namespace: string; id: string }) => ({
    state: { phase: known.has(`${namespace}/${id}`) ? "registered" : "removed" },
    sequence: 1,
  }),
} as unknown as Aggregates;

function tokensAt(now: number, purpose = "edit") {
  return new EditTokens(aggregates, new Capabilities([key], purpose), () => now);
}

const one = { namespace: "test", id: "1" };

test("a token opens its device for 30 minutes, on any replica, and no longer", async () => {
  const { token, expiresAt } = await tokensAt(1_000).create(one);
  expect(expiresAt).toBe(1_000 + limits.editTokenMs);
  expect(await tokensAt(1_001).check(one, token)).toBe(expiresAt);
  expect(await tokensAt(expiresAt - 1).check(one, token)).toBe(expiresAt);
  await expect(tokensAt(expiresAt).check(one, token)).rejects.toThrow(UnknownToken);
});

test("it opens no other device, and what was altered or issued for something else opens none", async () => {
  const { token } = await tokensAt(1_000).create(one);
  const { token: upload } = await tokensAt(1_000, "upload").create(one);
  const tokens = tokensAt(2_000);
  for (const id of [
    { ...one, id: "2" },
    { ...one, namespace: "other" },
  ]) {
    await expect(tokens.check(id, token)).rejects.toThrow(UnknownToken);
  }
  for (const wrong of ["", "x", token.slice(1), `${token}A`, upload, token.replace(/.$/, "_")]) {
    if (wrong !== token) await expect(tokens.check(one, wrong)).rejects.toThrow(UnknownToken);
  }
});

test("there is none for a device that is not there, and of one that was removed it is void", async () => {
  await expect(tokensAt(0).create({ ...one, id: "3" })).rejects.toThrow(UnknownDevice);
  const { token } = await tokensAt(0).create(one);
  known.delete("test/1");
  await expect(tokensAt(1).check(one, token)).rejects.toThrow(UnknownDevice);
});
