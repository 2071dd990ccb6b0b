import type { Aggregates, Snapshots, SnapshotTables } from "@fieldlog/aggregates";
import { devices } from "@fieldlog/contracts";
import type { ReadDatabase } from "@fieldlog/read-model";
import { RpcError, rpcClient } from "@fieldlog/rpc";
import type { Runtime } from "@fieldlog/runtime";
import type { Capabilities } from "@fieldlog/sealing";
import { NamespaceIsDisabled } from "../../decisions/refusals.js";
import type { Lookup } from "../lookup.js";
import type { Namespaces } from "../namespaces.js";
import { OperationList } from "./operation-list.js";
import { Operations } from "./operations.js";
import { Registrations } from "./registrations.js";
import { ProvisioningTokens } from "./tokens.js";
import type { WrongCodes } from "./wrong-codes.js";

export interface ProvisioningNeeds {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly database: Pick<ReadDatabase<SnapshotTables>, "db">;
  readonly lookup: Lookup;
  readonly caughtUp: () => Promise<void>;
  readonly namespaces: Namespaces;
  readonly wrongCodes: WrongCodes;
  /** Tokens of connections. */
  readonly connections: Capabilities;
  readonly internalToken: string;
}

/** Puts the parts of provisioning together; their client of the service devices is closed with the lifecycle. */
export function addProvisioning(runtime: Runtime, needs: ProvisioningNeeds) {
  const { aggregates, snapshots, database, lookup, caughtUp, namespaces, connections } = needs;
  const now = Date.now;
  const client = rpcClient(devices.DevicesService, {
    ...{ address: runtime.settings.devicesGrpc, token: needs.internalToken, metrics: runtime.metrics },
  });
  runtime.lifecycle.add({ name: "client of devices", stop: async () => client.close() });
  const checkEnabled = async (id: string) => {
    if ((await namespaces.withId(id)).disabled !== undefined) throw new NamespaceIsDisabled();
  };
  const checkNamespace = (id: string) => namespaces.withId(id);
  const tokens = new ProvisioningTokens({ aggregates, snapshots, lookup, checkNamespace, now });
  const registrations = new Registrations({
    ...{ aggregates, snapshots, lookup, caughtUp, connections, checkEnabled, now },
  });
  const stored = new OperationList(database, snapshots, now);
  const ensureDevice = async (namespace: string, device: string) => {
    const asked = { namespace, device, dialect: "spotflow", metadata: {}, sensors: [] };
    await client.ensureDevice(asked).catch((error: unknown) => {
      // That we are not known there is no fault of the device's: it would give up.
      const ours = error instanceof RpcError && error.code === "unauthenticated";
      throw ours ? new RpcError("unavailable", "the service devices refuses us") : error;
    });
  };
  const operations = new Operations({
    ...{ aggregates, snapshots, lookup, tokens, registrations, stored },
    ...{ checkEnabled, ensureDevice, now, wrongCodes: needs.wrongCodes },
  });
  return { namespaces, tokens, registrations, operations, stored, now };
}
