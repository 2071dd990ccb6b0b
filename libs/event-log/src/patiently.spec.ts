import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { patiently } from "./patiently.js";

it("tries again what had no answer, and not what was refused", async () => {
  const refused = new JetStreamApiError({ code: 400, err_code: 10_025, description: "bad request" });
  const missing = new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });
  const answers = [new Error("timeout"), missing, refused];
  await expect(patiently(() => Promise.reject(answers.shift()))).rejects.toBe(refused);
  expect(await patiently(async () => 7)).toBe(7);
});
