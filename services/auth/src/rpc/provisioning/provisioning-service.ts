import type { ProvisioningCalls, ProvisioningParts } from "./calls.js";
import { deviceCalls } from "./device-calls.js";
import { operationCalls } from "./operation-calls.js";
import { tokenCalls } from "./token-calls.js";

/** fieldlog.auth.v1.ProvisioningService: requests to calls, results to answers. */
export function provisioningService(parts: ProvisioningParts): ProvisioningCalls {
  return { ...tokenCalls(parts), ...operationCalls(parts), ...deviceCalls(parts) };
}
