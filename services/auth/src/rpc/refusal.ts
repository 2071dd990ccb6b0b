import { rpcFailure } from "@fieldlog/aggregates";
import { RpcError } from "@fieldlog/rpc";
import {
  AlreadyExists,
  LastOwner,
  NamespaceIsDisabled,
  NotFound,
  NotGood,
  OtherProvisioningToken,
  ProvisioningEnded,
  RegistrationGone,
  RegistrationsUsed,
  TooBusy,
  TooMany,
  TooManyWrongCodes,
  TooManyWrongPasswords,
  WrongPassword,
} from "../decisions/refusals.js";

/** auth's refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof NotFound) return new RpcError("not_found", error.message);
  if (error instanceof AlreadyExists) return new RpcError("already_exists", error.message);
  if (error instanceof TooMany) return new RpcError("resource_exhausted", error.message);
  if (error instanceof WrongPassword) return new RpcError("unauthenticated", error.message);
  if (error instanceof LastOwner) return new RpcError("failed_precondition", error.message);
  if (error instanceof TooManyWrongPasswords || error instanceof TooManyWrongCodes) {
    return new RpcError("resource_exhausted", error.message, { retryAfterS: String(error.retryAfterS) });
  }
  if (error instanceof TooBusy) {
    return new RpcError("unavailable", error.message, { retryAfterS: String(error.retryAfterS) });
  }
  return provisioningRefusal(error) ?? rpcFailure(error);
}

function provisioningRefusal(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error;
  if (error instanceof NotGood) return new RpcError("unauthenticated", error.message);
  if (error instanceof OtherProvisioningToken) return new RpcError("permission_denied", error.message);
  const reason = reasonOf(error);
  return reason === undefined
    ? undefined
    : new RpcError("failed_precondition", (error as Error).message, { reason });
}

/** Why it cannot be done as things are. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof ProvisioningEnded) return error.state;
  if (error instanceof NamespaceIsDisabled) return "namespace-disabled";
  if (error instanceof RegistrationsUsed) return "registrations";
  return error instanceof RegistrationGone ? "gone" : undefined;
}
