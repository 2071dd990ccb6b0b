import type { sampling } from "@fieldlog/contracts";
import { time } from "../json.js";
import { Problem } from "../problem.js";

/** gRPC's model as the native API's JSON. */
export function modelJson(model: sampling.Model | undefined) {
  const { stored: about, storedAt } = model ?? {};
  if (about?.stored === undefined || storedAt === undefined) {
    throw new Error("sampling answered without a model");
  }
  const { version, name, mediaType, stored } = about;
  const { bytes, sha256 } = stored;
  return {
    ...{ version, name, mediaType, bytes: Number(bytes) },
    ...{ sha256: Buffer.from(sha256).toString("hex"), storedAt: time(storedAt) },
  };
}

const VERSION = /^[1-9]\d{0,8}$/;

/** 0: the newest. Raises Problem 404. */
export function versionOf(text: string): number {
  if (text === "latest") return 0;
  if (!VERSION.test(text)) throw new Problem(404, "There is no such model.");
  return Number(text);
}
