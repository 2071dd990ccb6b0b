import { randomBytes } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { Capabilities } from "@fieldlog/sealing";
import { describe, expect, it } from "vitest";
import { viewTokens } from "./view-tokens.js";

// What the calls would be told of the call itself is not asked for.
const CALL = {} as never;

function serving(now = { ms: 1_000 }) {
  const calls = viewTokens(new Capabilities([randomBytes(32)], "view"), () => now.ms);
  return {
    now,
    create: (device: string, validS = 0) =>
      calls.createViewToken({ namespace: "n", device, validS } as never, CALL),
    check: (token: string) => calls.checkViewToken({ token } as never, CALL),
  };
}

describe("a token to see what a device sees", () => {
  it("says whose pictures they are, until its time is over", async () => {
    const { now, create, check } = serving();
    const { token = "", expiresAt } = await create("15:FE/ü", 60);
    expect(expiresAt).toBe(61_000n);
    expect(await check(token)).toEqual({ namespace: "n", device: "15:FE/ü", expiresAt: 61_000n });
    now.ms = 61_000;
    await expect(check(token)).rejects.toMatchObject({ code: "not_found" });
  });

  it("is good for an hour unless it is asked for otherwise, and for a month at most", async () => {
    const { create } = serving();
    expect((await create("d")).expiresAt).toBe(BigInt(1_000 + limits.viewTokenMs));
    await expect(create("d", limits.longestViewTokenMs / 1_000 + 1)).rejects.toBeInstanceOf(RpcError);
  });

  it("of another installation, or made up, is none", async () => {
    const { token = "" } = await serving().create("d");
    for (const one of [token, "", "a", `${token}A`]) {
      await expect(serving().check(one)).rejects.toMatchObject({ code: "not_found" });
    }
  });
});
