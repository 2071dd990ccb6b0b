import { randomBytes } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import { DeviceErased } from "@fieldlog/data-keys";
import { Capabilities } from "@fieldlog/sealing";
import { describe, expect, it } from "vitest";
import { STREAM_UPLOAD, uploadMethods } from "./upload-methods.js";

// What the calls would be told of the call itself is not asked for.
const CALL = {} as never;

function serving() {
  const key = randomBytes(32);
  const clock = { ms: 1_000 };
  const keys = {
    get: async (_namespace: string, device: string) => {
      if (device === "erased") throw new DeviceErased();
      return key;
    },
  };
  const tokens = new Capabilities([randomBytes(32)], STREAM_UPLOAD);
  const { beginUpload, openUpload } = uploadMethods({ keys, tokens, now: () => clock.ms });
  return {
    ...{ key, clock },
    begin: async (device: string, upload: string) =>
      (await beginUpload({ namespace: "n", device, upload } as never, CALL)).token ?? "",
    open: async (token: string) => openUpload({ token } as never, CALL),
  };
}

describe("an upload of a payload", () => {
  it("is opened by its token, until its time is over", async () => {
    const { begin, open, clock, key } = serving();
    const token = await begin("dev.1", "0d0e-1");
    const expiresAt = BigInt(1_000 + limits.uploadMs);
    expect(await open(token)).toEqual({ namespace: "n", device: "dev.1", upload: "0d0e-1", expiresAt, key });
    clock.ms += limits.uploadMs;
    await expect(open(token)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("is opened by nothing else, and not for a device that was erased", async () => {
    const { begin, open } = serving();
    for (const token of ["", "a", await serving().begin("d", "u")]) {
      await expect(open(token)).rejects.toMatchObject({ code: "unauthenticated" });
    }
    await expect(open(await begin("erased", "u"))).rejects.toMatchObject({ code: "failed_precondition" });
  });

  it.each(["", "a/b", "a b", "x".repeat(101)])("is not called %j", async (upload) => {
    await expect(serving().begin("d", upload)).rejects.toMatchObject({
      name: "InvalidField",
      field: "upload",
    });
  });
});
