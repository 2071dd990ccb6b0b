import type { MessageInitShape } from "@bufbuild/protobuf";
import type { provisioning } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { idOf, type ProvisioningState, stateAt } from "../../decisions/provisioning-operation.js";
import type { FoundOperation } from "../../service/provisioning/operation-list.js";
import type { FoundToken } from "../../service/provisioning/tokens.js";

const STATES: readonly ProvisioningState[] = ["pending", "approved", "completed", "cancelled", "expired"];

/** undefined: any. Raises InvalidField. */
export function askedState(text: string): ProvisioningState | undefined {
  if (text === "") return undefined;
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw new InvalidField("state", `must be one of ${STATES.join(", ")}`);
  return state;
}

/** @param registrations devices that came in with it so far */
export function toToken(
  { id, token }: FoundToken,
  registrations: number,
): MessageInitShape<typeof provisioning.ProvisioningTokenSchema> {
  const { name, expiresAt, deviceIdMode, lifetimeMode, infiniteLifetime, approved } = token;
  const { registrations: most, registrationLifetimeS, deviceId = "" } = token;
  const created = {
    ...{ name, deviceIdMode, deviceId, lifetimeMode, infiniteLifetime, approved },
    ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }),
    ...(most === undefined ? {} : { registrations: most }),
    ...(registrationLifetimeS === undefined ? {} : { registrationLifetimeS }),
  };
  const { createdAt, enabled, number } = token;
  return { id, created, createdAt: BigInt(createdAt), enabled, registrations, number: BigInt(number) };
}

export function toOperation(
  { id, operation }: FoundOperation,
  now: number,
): MessageInitShape<typeof provisioning.ProvisioningOperationSchema> {
  const { provisioningToken, askedId, code, address, attributes, begunAt, expiresAt, number } = operation;
  const begun = {
    ...{ provisioningToken, deviceId: askedId, verificationCode: code, address },
    ...{ attributes: { ...attributes }, expiresAt: BigInt(expiresAt) },
  };
  return {
    ...{ id, begun, begunAt: BigInt(begunAt), state: stateAt(operation, now), deviceId: idOf(operation) },
    ...("endedAt" in operation ? { endedAt: BigInt(operation.endedAt) } : {}),
    number: BigInt(number),
  };
}
