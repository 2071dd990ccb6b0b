import { isId } from "@fieldlog/contracts";
import { NotFound } from "../../decisions/refusals.js";
import type { IssuedToken } from "../../service/provisioning/registrations.js";
import type { ProvisioningCalls, ProvisioningParts } from "./calls.js";
import { toOperation } from "./messages.js";

type Calls =
  | "beginProvisioning"
  | "completeProvisioning"
  | "refreshRegistration"
  | "openRegistration"
  | "checkConnectionToken";

/** What devices do to come in, and to connect. */
export function deviceCalls(parts: ProvisioningParts): Pick<ProvisioningCalls, Calls> {
  const { operations, tokens, registrations, seen, now } = parts;
  return {
    beginProvisioning: async ({ tokenHash, deviceId, attributes, address }) => {
      const begun = await operations.begin({ tokenHash, deviceId, attributes, address });
      await seen(begun.sequence);
      return { operation: toOperation(begun, now()) };
    },
    completeProvisioning: async ({ tokenHash, operation }) => {
      if (!isId(operation)) throw new NotFound("provisioning operation");
      const issued = await operations.complete(tokenHash, operation);
      return issued === undefined ? {} : toIssued(issued);
    },
    refreshRegistration: async ({ provisioningTokenHash, registrationTokenHash }) => {
      const from = await tokens.withHash(provisioningTokenHash);
      const issued = await registrations.refresh(from, registrationTokenHash);
      return { ...toIssued(issued), again: issued.again };
    },
    openRegistration: async ({ tokenHash }) => {
      const opened = await registrations.open(tokenHash);
      const { namespace, device, token, expiresAt, registrationUntil: until } = opened;
      return {
        ...{ namespace, device, connectionToken: token, connectionExpiresAt: BigInt(expiresAt) },
        ...(until === undefined ? {} : { expiresAt: BigInt(until) }),
      };
    },
    checkConnectionToken: async ({ token }) => {
      const { namespace, device, expiresAt } = await registrations.connected(token);
      return { namespace, device, expiresAt: BigInt(expiresAt) };
    },
  };
}

function toIssued({ secret, expiresAt }: IssuedToken) {
  return { registrationToken: secret, ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }) };
}
