import type { sampling } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { openReadDatabase } from "@fieldlog/read-model";
import type { RemoteDevices } from "@fieldlog/remote";
import type { ServiceImpl } from "@fieldlog/rpc";
import type { Runtime } from "@fieldlog/runtime";
import type { SamplingTables } from "./tables.js";

/** What both halves of the service stand on. */
export interface SamplingParts {
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly database: ReturnType<typeof openReadDatabase<SamplingTables>>;
  readonly remote: RemoteDevices;
  readonly now: () => number;
}

/** Methods that one half of the service serves. */
export type Served = Partial<ServiceImpl<typeof sampling.SamplingService>>;
