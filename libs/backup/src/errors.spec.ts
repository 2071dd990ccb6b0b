import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { BackupError, foreseen } from "./errors.js";

const failing = (error: Error) => foreseen(() => Promise.reject(error));

it("tells a server that goes away and a full disk as what they are, and leaves the rest", async () => {
  await expect(failing(new errors.TimeoutError())).rejects.toThrow(BackupError);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { errno: -28 });
  await expect(failing(full)).rejects.toEqual(new BackupError("ENOSPC: no space left on device, write"));
  const unforeseen = new TypeError("x is not a function");
  await expect(failing(unforeseen)).rejects.toBe(unforeseen);
  const own = new BackupError("damaged", { hint: "another" });
  await expect(failing(own)).rejects.toBe(own);
});
