import type { provisioning } from "@fieldlog/contracts";
import { optionalTime, time } from "../json.js";

/** Without the token itself. */
export function tokenJson(token: provisioning.ProvisioningToken | undefined) {
  if (token?.created === undefined) throw new Error("auth answered without a provisioning token");
  const { id, created, createdAt, enabled, registrations } = token;
  const { name, deviceIdMode, lifetimeMode, infiniteLifetime, approved } = created;
  return {
    ...{ id, name, enabled, createdAt: time(createdAt), expiresAt: optionalTime(created.expiresAt) },
    ...{ registrations, mostRegistrations: created.registrations ?? null },
    registrationLifetimeS: created.registrationLifetimeS ?? null,
    ...{ deviceIdMode, device: created.deviceId || null, lifetimeMode, infiniteLifetime, approved },
  };
}

export function operationJson(operation: provisioning.ProvisioningOperation | undefined) {
  if (operation?.begun === undefined) throw new Error("auth answered without an operation");
  const { id, begun, begunAt, state, deviceId, endedAt, number } = operation;
  const { verificationCode, provisioningToken, address, attributes } = begun;
  return {
    ...{ number: Number(number), id, verificationCode, state },
    ...{ device: deviceId || null, askedDevice: begun.deviceId || null, provisioningToken },
    ...{ address, attributes: { ...attributes } },
    ...{ begunAt: time(begunAt), expiresAt: time(begun.expiresAt), endedAt: optionalTime(endedAt) },
  };
}
