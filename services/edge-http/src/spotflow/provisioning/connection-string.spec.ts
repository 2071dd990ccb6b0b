import { expect, test } from "vitest";
import { connectionString, remaining } from "./connection-string.js";

test("a connection string names the host, the device, and with what it connects until when", () => {
  const parts = { host: "field.example", namespace: "default", device: "porch-1", token: "abc_-" };
  expect(connectionString({ ...parts, expiresAt: 1_800_000_000_999 })).toBe(
    "HostName=field.example;DeviceId=default:porch-1;SharedAccessSignature=SharedAccessSignature sr=field.example&sig=abc_-&se=1800000000",
  );
});

test.each([
  [-5, "00:00:00"],
  [999, "00:00:00"],
  [61_000, "00:01:01"],
  [86_399_999, "23:59:59"],
  [86_400_000 * 30 + 3_600_000, "30.01:00:00"],
])("%d ms are told as %s", (ms, text) => expect(remaining(ms)).toBe(text));
