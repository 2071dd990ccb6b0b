import { RpcError } from "@fieldlog/rpc";
import { expect, test } from "vitest";
import { refusalBody, refusalOf } from "./refusal.js";

const TYPES = "/problems/deviceProvisioning";

test.each<[reason: string, status: number, type: string]>([
  ["cancelled", 410, `${TYPES}/provisioningOperationCancelled`],
  ["expired", 410, `${TYPES}/provisioningOperationExpired`],
  ["gone", 410, `${TYPES}/registrationTokenInvalid`],
  ["registrations", 403, `${TYPES}/registrationsUsed`],
  ["namespace-disabled", 423, "/problems/workspaceDisabled"],
  ["completed", 409, "about:blank"],
])("what auth refuses as %s is told with %d %s", (reason, status, type) => {
  const refusal = refusalOf(new RpcError("failed_precondition", "no", { reason }));
  expect(refusal && refusalBody(refusal)).toMatchObject({ status, type, title: expect.any(String) });
});

test("who has tried too often, or cannot be answered just now, is told when to come again", () => {
  const later = { retryAfterS: "7" };
  expect(refusalOf(new RpcError("resource_exhausted", "", later))).toMatchObject({
    ...{ status: 429, more: { retryAfterS: 7 } },
  });
  expect(refusalOf(new RpcError("unavailable", "", later))).toMatchObject({
    ...{ status: 503, more: { retryAfterS: 7 } },
  });
  expect(refusalOf(new TypeError("ours"))).toBeUndefined();
});
