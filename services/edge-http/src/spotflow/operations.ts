import { deviceBoundOperations } from "./device-bound/device-bound-operations.js";
import { fileOperations } from "./files/file-operations.js";
import type { Operation, OperatorOperation } from "./operation.js";
import { propertyOperations } from "./properties/property-operations.js";
import { provisioningOperations } from "./provisioning/provisioning-operations.js";
import { remoteAccessOperations } from "./remote-access/remote-access-operations.js";
import { streamOperations } from "./streams/stream-operations.js";

/** All that the dialect answers by HTTP. */
export const operations: readonly (Operation | OperatorOperation)[] = [
  provisioningOperations,
  propertyOperations,
  fileOperations,
  deviceBoundOperations,
  remoteAccessOperations,
  streamOperations,
].flatMap((group): (Operation | OperatorOperation)[] => Object.values(group));
