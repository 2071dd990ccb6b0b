import type { provisioning } from "@fieldlog/contracts";
import type { ServiceImpl } from "@fieldlog/rpc";
import type { Namespaces } from "../../service/namespaces.js";
import type { OperationList } from "../../service/provisioning/operation-list.js";
import type { Operations } from "../../service/provisioning/operations.js";
import type { Registrations } from "../../service/provisioning/registrations.js";
import type { ProvisioningTokens } from "../../service/provisioning/tokens.js";

export type ProvisioningCalls = ServiceImpl<typeof provisioning.ProvisioningService>;

/** What calls are answered with. */
export interface ProvisioningParts {
  readonly namespaces: Namespaces;
  readonly tokens: ProvisioningTokens;
  readonly operations: Operations;
  readonly registrations: Registrations;
  readonly stored: OperationList;
  /** Resolves when queries see what was decided at that sequence, or after 2 s: it is answered then. */
  readonly seen: (sequence: number) => Promise<void>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}
