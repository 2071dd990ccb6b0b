import { isId, limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { NotFound } from "../../decisions/refusals.js";
import type { ProvisioningCalls, ProvisioningParts } from "./calls.js";
import { askedState, toOperation } from "./messages.js";

type Calls =
  | "listProvisioningOperations"
  | "getProvisioningOperation"
  | "approveProvisioning"
  | "cancelProvisioning";

/** What people do with devices that want in. */
export function operationCalls(parts: ProvisioningParts): Pick<ProvisioningCalls, Calls> {
  const { operations, stored, seen, now } = parts;
  return {
    listProvisioningOperations: async ({ namespace, state, limit, before }) => {
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `must be 1 to ${limits.pageRows}`);
      }
      const found = await stored.list({
        ...{ namespace, state: askedState(state), limit },
        before: before === undefined ? undefined : Number(before),
      });
      const last = found.length === limit ? found.at(-1) : undefined;
      return {
        operations: found.map((each) => toOperation(each, now())),
        ...(last === undefined ? {} : { next: BigInt(last.operation.number) }),
      };
    },
    getProvisioningOperation: async ({ namespace, idOrCode, askedBy }) => {
      checkIds(namespace, idOrCode);
      return { operation: toOperation(await operations.get(namespace, idOrCode, askedBy), now()) };
    },
    approveProvisioning: async ({ namespace, id, deviceId, registrationLifetimeS, decidedBy }) => {
      checkIds(namespace, id);
      const done = await operations.approve({
        ...{ namespace, id, deviceId, lifetimeS: registrationLifetimeS, decidedBy },
      });
      await seen(done.sequence);
      return { operation: toOperation(done, now()), sequence: BigInt(done.sequence) };
    },
    cancelProvisioning: async ({ namespace, id, decidedBy }) => {
      checkIds(namespace, id);
      const sequence = await operations.cancel(namespace, id, decidedBy);
      await seen(sequence);
      return { sequence: BigInt(sequence) };
    },
  };
}

function checkIds(namespace: string, id: string): void {
  if (!isId(namespace) || !isId(id)) throw new NotFound("provisioning operation");
}
